# efento-uptime as an image; docs/deployment.md tells how to build and run it.
#
#   docker build --tag efento-uptime .
#   docker build --tag efento-uptime:browser --build-arg WITH_BROWSER=true .
#
# BASE is Debian 12 or a later one with Python 3.11 or newer and its `venv`. Both stages stand on it, so that what was
# compiled for the one runs on the other.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
ARG WITH_BROWSER=false
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_COMPILE=1
# The installer has a place of its own: what goes into the image has none.
RUN python3 -m venv /build && python3 -m venv --without-pip /opt/efento-uptime
WORKDIR /source
COPY requirements requirements
# By hash: what was tested is what is installed.
RUN set -eu; \
    kind=run; [ "$WITH_BROWSER" != true ] || kind=browser; \
    /build/bin/pip install --quiet --require-hashes -r requirements/build.lock; \
    /build/bin/pip --python /opt/efento-uptime install --quiet --require-hashes -r "requirements/$kind.lock"
COPY . .
# The last two lines: what never runs here (tests, C headers, Arrow's network protocol and S3) stays behind, and
# modules are compiled now, because nobody can write beside them later. Their checks are by content, so that the same
# sources make the same bytes.
RUN set -eu; \
    /build/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /wheels .; \
    /build/bin/pip --python /opt/efento-uptime install --quiet --no-deps /wheels/*.whl; \
    cd /opt/efento-uptime/lib/python3*/site-packages; \
    rm -rf pyarrow/include pyarrow/src pyarrow/*flight* pyarrow/*s3*; \
    find . -depth -type d \( -name tests -o -name test \) -path '*/*/*' -exec rm -rf {} +; \
    /opt/efento-uptime/bin/python -m compileall -q --invalidation-mode unchecked-hash .

FROM ${BASE}
ARG WITH_BROWSER=false
# A user of a number that is the same everywhere: volumes and their backups belong to it. /rules is where an alert rules
# volume goes. Nobody installs anything later, so the base's installer goes.
RUN set -eu; \
    if [ "$WITH_BROWSER" = true ]; then \
        apt-get update -qq; \
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; \
        rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log; \
    fi; \
    groupadd --gid 10001 uptime; \
    useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin uptime; \
    install -d -o 10001 -g 10001 -m 0750 /data; \
    install -d -o 10001 -g 10001 -m 0755 /rules; \
    rm -rf /usr/local/bin/pip* /usr/local/bin/wheel /usr/local/lib/python3*/ensurepip /usr/share/python-wheels \
        /usr/local/lib/python3*/site-packages/pip* /usr/local/lib/python3*/site-packages/setuptools* \
        /usr/local/lib/python3*/site-packages/wheel*
COPY --from=build /opt/efento-uptime /opt/efento-uptime
COPY config/efento-cloud.yaml config/demo.yaml /etc/efento-uptime/

ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="efento-uptime" \
      org.opencontainers.image.description="Synthetic uptime monitoring of Efento Cloud" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV PATH=/opt/efento-uptime/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    EFENTO_UPTIME_CONFIG=/etc/efento-uptime/efento-cloud.yaml \
    EFENTO_UPTIME_STORE=sqlite:////data/uptime.db \
    EFENTO_UPTIME_HOST=0.0.0.0 \
    EFENTO_UPTIME_PORT=8080
USER 10001:10001
WORKDIR /data
VOLUME ["/data"]
EXPOSE 8080
STOPSIGNAL SIGTERM
# Whether it answers, not whether it is ready: who restarts the unhealthy must not do so because a disk is full, which a
# restart does not mend and which would be one more gap in the record. Readiness is `efento-uptime health`.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 CMD ["efento-uptime", "health", "--alive"]
ENTRYPOINT ["efento-uptime"]
CMD ["run"]
