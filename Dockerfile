# Highway Platform: web server and workers in one image; the command decides.
#   docker build -t highway-platform .
#   docker run highway-platform                                    the web server on port 8000
#   docker run highway-platform python manage.py runworker         a worker

FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
# For a package index of your own. Nothing of this stage but the environment that it makes reaches the image.
ARG PIP_INDEX_URL
RUN python -m venv /opt/highway/venv
COPY requirements/base.txt /tmp/base.txt
RUN /opt/highway/venv/bin/pip install --require-hashes -r /tmp/base.txt

FROM python:3.13-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends bubblewrap \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 highway \
    && useradd --system --uid 10001 --gid highway --home-dir /var/lib/highway --create-home --shell /usr/sbin/nologin highway
COPY --from=build /opt/highway/venv /opt/highway/venv
WORKDIR /opt/highway/app
COPY manage.py ./
COPY engine engine
COPY sandbox sandbox
COPY sql sql
COPY highway_platform highway_platform
COPY tenants tenants
COPY workflows workflows
COPY templates templates
COPY static static
COPY deploy/container deploy/container
ENV PATH=/opt/highway/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HIGHWAY_HOME=/var/lib/highway \
    DJANGO_SETTINGS_MODULE=highway_platform.settings.prod
# Collecting files needs settings that load, and nothing of an installation: the key signs nothing and is gone with the layer.
RUN python -m compileall -q engine sandbox highway_platform tenants workflows \
    && head -c 48 /dev/urandom | base64 > /tmp/key \
    && HIGHWAY_SECRET_KEY_FILE=/tmp/key HIGHWAY_HOSTS=localhost python manage.py collectstatic --no-input \
    && rm /tmp/key
USER highway
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python", "deploy/container/healthcheck.py"]
CMD ["gunicorn", "highway_platform.asgi:application", "-k", "asgi", "--bind=0.0.0.0:8000", "--workers=2", "--preload", "--graceful-timeout=20", "--no-control-socket"]
