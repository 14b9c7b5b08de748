"""The documentation of the stand-in agrees with the stand-in."""

from pathlib import Path

from standin.catalogue import markdown_table
from standin.settings import CHANGEABLE, StandInSettings

PAGE = Path(__file__).parents[2] / "docs" / "standin.md"


def test_the_table_of_faults_is_current() -> None:
    """Renew it with `make docs`."""
    _before, _begin, rest = PAGE.read_text(encoding="utf-8").partition("<!-- faults: begin -->\n")
    assert rest.partition("<!-- faults: end -->")[0] == markdown_table()


def test_the_settings_and_credentials_are_named() -> None:
    text = PAGE.read_text(encoding="utf-8")
    settings = StandInSettings()
    secrets = (settings.api_token, settings.gateway_token, settings.sensor_token, settings.login, settings.password)
    for name in (*CHANGEABLE, *secrets):
        assert f"`{name}`" in text, name
