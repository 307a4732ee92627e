# The daemon, or with other words behind the image's name any other command of nightwarden.
# docker build --target models .      with the extra for models: the scripts, under python
FROM python:3.11-slim AS base

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN useradd --system --uid 10001 --home-dir /var/lib/nightwarden --create-home nightwarden

# What changes rarely comes first: an edit of our own code does not install the libraries again.
FROM base AS libraries
WORKDIR /opt/nightwarden
COPY requirements/core.lock requirements/core.lock
RUN pip install --require-hashes -r requirements/core.lock

# --- models: scripts/ over the project in /srv/models -----------------------------------------------------------------
FROM libraries AS models-libraries
COPY requirements/mlops.lock requirements/mlops.lock
RUN pip install --require-hashes -r requirements/mlops.lock

FROM models-libraries AS models
COPY . .
RUN pip install --no-deps -e .
# A new volume takes content and owner of the folder that it is mounted on.
RUN for each in data models monitoring alerts config .github/triggers; do mkdir -p "/srv/models/$each"; done \
    && chown -R nightwarden /srv/models
ENV DO_NOT_TRACK=1 MLFLOW_DISABLE_TELEMETRY=true
WORKDIR /srv/models
USER nightwarden
STOPSIGNAL SIGTERM
ENTRYPOINT ["python"]
CMD ["/opt/nightwarden/scripts/serve_model.py", "--host", "0.0.0.0", "--port", "8000"]

# --- Airflow pins libraries of its own; its tasks run in the python of models -----------------------------------------
FROM models-libraries AS airflow-libraries
COPY requirements/airflow.lock requirements/airflow.lock
RUN python -m venv /opt/airflow && /opt/airflow/bin/pip install --require-hashes -r requirements/airflow.lock

FROM models AS airflow
USER root
COPY --from=airflow-libraries /opt/airflow /opt/airflow
RUN mkdir -p /var/lib/airflow && chown nightwarden /var/lib/airflow
ENV AIRFLOW_HOME=/var/lib/airflow AIRFLOW__CORE__DAGS_FOLDER=/opt/nightwarden/dags AIRFLOW__CORE__LOAD_EXAMPLES=false \
    NIGHTWARDEN_PYTHON=/usr/local/bin/python NIGHTWARDEN_ROOT=/srv/models PATH=/opt/airflow/bin:$PATH
USER nightwarden
ENTRYPOINT ["/opt/airflow/bin/airflow"]
CMD ["standalone"]

# --- MLflow's server, whose libraries are not ours either -------------------------------------------------------------
FROM base AS mlflow
COPY requirements/mlflow-server.lock requirements/mlflow-server.lock
RUN pip install --require-hashes -r requirements/mlflow-server.lock
RUN mkdir -p /var/lib/mlflow && chown nightwarden /var/lib/mlflow
ENV DO_NOT_TRACK=1 MLFLOW_DISABLE_TELEMETRY=true
WORKDIR /var/lib/mlflow
USER nightwarden
ENTRYPOINT ["mlflow"]
CMD ["server", "--host", "0.0.0.0", "--port", "5000", "--workers", "1", "--backend-store-uri", "sqlite:////var/lib/mlflow/mlflow.db", "--artifacts-destination", "/var/lib/mlflow/artifacts", "--allowed-hosts", "mlflow:5000,localhost:5000,127.0.0.1:5000"]

# --- the daemon: the last one is what docker build makes --------------------------------------------------------------
FROM libraries AS daemon
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
