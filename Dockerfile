# One image for site and worker; what it does is told by the command. Nothing in it runs as root.
#
#   docker build -t dubber .
#   docker run --rm dubber python manage.py help

ARG PYTHON=3.11-slim-bookworm

FROM python:${PYTHON} AS wheels
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements.txt requirements-local.txt constraints.txt /build/
RUN /opt/venv/bin/pip install --only-binary :all: \
    -r /build/requirements.txt -r /build/requirements-local.txt

FROM python:${PYTHON} AS models
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
COPY setup setup
COPY dubber/__init__.py dubber/env.py dubber/
COPY jobs/__init__.py jobs/
COPY jobs/pipeline/__init__.py jobs/pipeline/errors.py jobs/pipeline/weights.py jobs/pipeline/
RUN python -m setup --models-only /opt/models

FROM python:${PYTHON}
RUN apt-get update \
    && apt-get install -y --no-install-recommends ffmpeg apertium apertium-eng-spa \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home dubber \
    && install -d -o dubber -g dubber /var/lib/dubber
COPY --from=wheels /opt/venv /opt/venv
COPY --from=models /opt/models /opt/models
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DUBBER_ENV_FILE=/dev/null \
    DUBBER_BIND=0.0.0.0:8000 \
    DUBBER_MODELS=/opt/models \
    DUBBER_SCRATCH=/var/lib/dubber/scratch \
    DUBBER_STORAGE_ROOT=/var/lib/dubber/storage \
    DUBBER_SAMPLE=/var/lib/dubber/sample \
    HOME=/var/lib/dubber \
    NUMBA_CACHE_DIR=/var/lib/dubber/numba
WORKDIR /app
COPY . .
RUN SECRET_KEY=only-for-collecting-static-files python manage.py collectstatic --no-input -v0 \
    && python -m compileall -q accounts billing dubber jobs
USER 10001
VOLUME /var/lib/dubber
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=6s --start-period=30s CMD ["python", "-m", "dubber.alive"]
CMD ["sh", "-c", "exec gunicorn dubber.wsgi --bind \"$DUBBER_BIND\" --worker-class gthread --workers 2 --threads 8 --worker-tmp-dir /dev/shm --access-logfile -"]
