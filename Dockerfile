# The demo on any container host, on CPU:  docker build -t segdemo . && docker run --rm -p 7860:7860 segdemo
FROM python:3.11-slim

# Torch's index of CPU builds, where no build brings several gigabytes of CUDA along.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
# A hub id whose weights go into the image, such as facebook/mask2former-swin-large-ade-semantic.
ARG PRELOAD=""

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    GRADIO_ANALYTICS_ENABLED=False \
    GRADIO_SERVER_NAME=0.0.0.0 \
    HF_HUB_DISABLE_TELEMETRY=1

# What OpenCV's wheel needs of Debian; a Space reads the same file.
COPY packages.txt /tmp/
RUN apt-get update \
    && xargs -a /tmp/packages.txt apt-get install -y --no-install-recommends \
    && rm -rf /var/lib/apt/lists/*

RUN useradd --create-home --uid 1000 demo
WORKDIR /home/demo/segdemo

COPY --chown=demo requirements.txt ./
RUN pip install --no-cache-dir --extra-index-url "$TORCH_INDEX" -r requirements.txt "openvino>=2026.1"

COPY --chown=demo . .
USER demo

RUN if [ -n "$PRELOAD" ]; then SEGDEMO_ALLOW_DOWNLOAD=1 python -c \
    "import sys; from segdemo.checkpoints import download; download(sys.argv[1])" "$PRELOAD"; fi
ENV SEGDEMO_CHECKPOINT=$PRELOAD

EXPOSE 7860
CMD ["python", "app.py", "--port", "7860"]
