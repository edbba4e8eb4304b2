"""Decodes the protobuf bodies that Go clients send; nothing here encodes one."""

from kuberklone.apimachinery.protobuf.decoding import decode

__all__ = ["decode"]
