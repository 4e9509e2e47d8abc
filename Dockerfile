# The server in a container: the page and REST on port 8765, without a network, as a user who owns nothing.
#
#   docker build -t whichgpu .
#   docker run --rm --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges -p 127.0.0.1:8765:8765 whichgpu
FROM python:3.11-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE constraints.txt ./
COPY src ./src
RUN python -m venv /opt/whichgpu && /opt/whichgpu/bin/pip install --no-cache-dir -c constraints.txt '.[serve]'

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin whichgpu
COPY --from=build /opt/whichgpu /opt/whichgpu
USER 10001
ENV PATH=/opt/whichgpu/bin:$PATH PYTHONDONTWRITEBYTECODE=1 HOME=/tmp XDG_CACHE_HOME=/tmp
EXPOSE 8765
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8765/healthz', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["whichgpu", "serve", "--host", "0.0.0.0", "--port", "8765"]
CMD ["--workers", "2"]
