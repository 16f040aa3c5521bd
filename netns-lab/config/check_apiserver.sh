#!/bin/sh
# What keepalived asks every three seconds: does this master's own balancer reach an apiserver?

curl --silent --fail --insecure --max-time 2 "https://localhost:${FRONTEND_PORT}/healthz" --output /dev/null || {
    echo "no answer from https://localhost:${FRONTEND_PORT}/healthz" >&2
    exit 1
}
