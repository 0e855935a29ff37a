# One image for web, worker, beat and migrate (docker-compose.yml); not root, packages checked by hash.
FROM python:3.12-slim AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
COPY requirements.txt .
RUN /opt/venv/bin/pip install --require-hashes -r requirements.txt

FROM python:3.12-slim
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    OPENBLAS_NUM_THREADS=1 \
    HOST=0.0.0.0 \
    PORT=8000 \
    VAR_DIR=/srv/flywheel/var
RUN useradd --system --uid 10001 --create-home flywheel \
    && install --directory --owner flywheel --group flywheel /srv/flywheel/var
WORKDIR /srv/flywheel
COPY --from=packages /opt/venv /opt/venv
COPY manage.py LICENSE ./
COPY engines engines
COPY static static
COPY templates templates
COPY locale locale
COPY flywheel flywheel
RUN python -c "from pathlib import Path; from flywheel.prepare import compile_messages; compile_messages(Path('locale'))"
USER flywheel
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=40s --retries=4 \
    CMD ["python", "-m", "flywheel.probe"]
CMD ["python", "-m", "gunicorn", "--config", "python:flywheel.gunicorn", "flywheel.wsgi"]
