# The daemon, or with other words behind the image's name any other command of nightwarden.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN useradd --system --uid 10001 --home-dir /var/lib/nightwarden --create-home nightwarden

# What changes rarely comes first: an edit of our own code does not install the libraries again.
WORKDIR /opt/nightwarden
COPY requirements/core.lock requirements/core.lock
RUN pip install --require-hashes -r requirements/core.lock
COPY . .
RUN pip install --no-deps -e .

USER nightwarden
VOLUME /var/lib/nightwarden
EXPOSE 8080
# The process answers; whether agents are restored is /ready, and what ails services is nobody's reason to restart us.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/health', timeout=2)"]
# No shell in between: SIGTERM reaches the daemon, which stops its services in order within 30 s.
STOPSIGNAL SIGTERM
ENTRYPOINT ["nightwarden"]
CMD ["run", "--config", "/etc/nightwarden/services.json", "--state", "/var/lib/nightwarden", "--listen", "0.0.0.0:8080"]
