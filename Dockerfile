# The mock IdP as a container. Everything is fetched while it is built; it needs no network when it runs.
#
#     docker build -t touchstone-idp .
#     docker run --rm -p 8080:8080 touchstone-idp --persona entra-v2 --base-url http://localhost:8080
FROM python:3.13-slim AS build
COPY pyproject.toml README.md LICENSE /source/
COPY mock_idp /source/mock_idp
COPY verifier /source/verifier
COPY scenarios /source/scenarios
RUN python -m venv /opt/touchstone && /opt/touchstone/bin/pip install --no-cache-dir /source

FROM python:3.13-slim
COPY --from=build /opt/touchstone /opt/touchstone
RUN useradd --system --uid 10001 --no-create-home touchstone && install -d -o touchstone /data
ENV PATH=/opt/touchstone/bin:$PATH PYTHONDONTWRITEBYTECODE=1
USER touchstone
WORKDIR /data
EXPOSE 8080
# Python asks, because the image has no curl.
HEALTHCHECK --interval=5s --timeout=3s --start-period=5s CMD ["python", "-c", \
    "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/_health', timeout=2)"]
STOPSIGNAL SIGTERM
# Others can reach a container, so the console stays off unless an --admin-token is given.
ENTRYPOINT ["touchstone", "idp", "--host", "0.0.0.0", "--port", "8080"]
