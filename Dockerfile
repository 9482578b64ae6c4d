# One image for Socket Mode and HTTP. How to run it: docs/operators/container.md
FROM python:3.13-slim-bookworm AS build
WORKDIR /build
RUN python -m venv /opt/callops
COPY requirements.txt ./
RUN /opt/callops/bin/pip install --no-cache-dir --require-hashes -r requirements.txt
COPY pyproject.toml README.md manifest.yml callops.example.toml .env.example ./
COPY bot bot
COPY playground playground
COPY providers providers
COPY storage storage
RUN /opt/callops/bin/pip install --no-cache-dir --no-deps .
RUN mkdir -p data

FROM python:3.13-slim-bookworm
COPY --from=build /opt/callops /opt/callops
# A new volume takes its owner from this folder.
COPY --from=build --chown=10001:10001 /build/data /data
ENV PATH=/opt/callops/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 \
    PORT=3000 \
    CALLOPS_CONFIG=/config/callops.toml \
    DATABASE_URL=sqlite:////data/callops.db
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=15s --start-period=30s --retries=3 CMD ["callops", "health"]
ENTRYPOINT ["callops"]
CMD ["serve"]
