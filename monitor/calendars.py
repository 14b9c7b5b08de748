"""Public holidays by country, as containers of dates: `date in public_holidays("PL")`."""

from collections.abc import Container
from datetime import date
from functools import cache


class PublicHolidays(Container[date]):
    """The public holidays of a country; each year is looked up once, when it is first asked for."""

    def __init__(self, country: str) -> None:
        self.country = country
        self._years: dict[int, frozenset[date]] = {}

    def __contains__(self, on: object) -> bool:
        return isinstance(on, date) and on in self.of_year(on.year)

    def of_year(self, year: int) -> frozenset[date]:
        if year not in self._years:
            self._years[year] = _looked_up(self.country, year)
        return self._years[year]


@cache
def public_holidays(country: str) -> PublicHolidays:
    """The holidays of a country (ISO 3166) or a part of it, e.g. `PL`, `DE-BY`; of an empty name there are none.

    Raises `ValueError` for a country whose holidays are not known.
    """
    found = PublicHolidays(country)
    found.of_year(2026)  # any year tells whether the country is known
    return found


def _looked_up(country: str, year: int) -> frozenset[date]:
    if not country:
        return frozenset()
    import holidays

    name, _, part = country.partition("-")
    try:
        # A Polish holiday that falls on a Sunday moves nowhere; where there is a day in lieu, it is a holiday too.
        found = holidays.country_holidays(name, subdiv=part or None, years=year, observed=name != "PL")
    except NotImplementedError:
        raise ValueError(f"no public holidays are known of {country!r}; expected e.g. PL or DE-BY") from None
    return frozenset(found)
