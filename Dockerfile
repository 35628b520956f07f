# docker build -t aemim . ; docker run aemim train RECIPE (docs/install.md)
FROM python:3.11-slim
RUN apt-get update && apt-get install -y --no-install-recommends make \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /aemim_mm
COPY . .
RUN make install && rm -rf /root/.cache
ENV PATH=/aemim_mm/.venv/bin:$PATH
ENTRYPOINT ["aemim"]
