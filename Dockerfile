# One image for everything: the API, the controllers and the agent that makes a container a node. `make image` builds it
# from the public base; `make image-local` hands in one made of this machine's own interpreter (images/local_base.py).
ARG BASE_IMAGE=python:3.13-slim
FROM ${BASE_IMAGE}

# First what seldom changes. Everything is in the lock file, so nothing is left to resolve (--no-deps), and a base that
# has it all is not asked for more.
COPY requirements.lock /src/
RUN python -m pip --disable-pip-version-check install --quiet --no-cache-dir --root-user-action=ignore \
        --no-deps --require-hashes -r /src/requirements.lock

COPY pyproject.toml README.md LICENSE /src/
COPY kuberklone /src/kuberklone
COPY controllers /src/controllers
COPY migrations /src/migrations
# Where a named volume is mounted it takes over the owner of what was there.
RUN python -m pip --disable-pip-version-check install --quiet --no-cache-dir --root-user-action=ignore \
        --no-warn-script-location --no-deps --no-build-isolation --no-index /src \
    && mkdir -p /var/lib/kuberklone && chown 10001:10001 /var/lib/kuberklone

# Nobody in particular: a container gets the engine's socket, where it needs it, through a group (--group-add).
USER 10001:10001
ENV KUBERKLONE_HOME=/var/lib/kuberklone PYTHONUNBUFFERED=1
WORKDIR /var/lib/kuberklone
ENTRYPOINT ["kuberklone"]
