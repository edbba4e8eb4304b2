# The image of pods that ask for room and nothing else: one static program of a few kilobytes. For machines with a
# registry but without a C compiler that makes Linux programs, such as a Mac; `make image-pause` uses it there.
ARG COMPILER_IMAGE=gcc:14
FROM ${COMPILER_IMAGE} AS build
COPY pause.c /
RUN cc -static -nostdlib -ffreestanding -fno-stack-protector -Os -s -o /pause /pause.c

FROM scratch
COPY --from=build /pause /pause
USER 65535:65535
ENTRYPOINT ["/pause"]
