#!/bin/sh
# Makes Python's stubs from the contract, into the folder that is named:
#
#   node proto/dependencies.ts                                # once: what the contract imports, into .buf/
#   sh examples/clients/python/generate.sh /tmp/payment-stubs
#
# It needs protoc with the files of its own types, and gRPC's plugin for Python. On Debian:
# apt-get install protobuf-compiler libprotobuf-dev protobuf-compiler-grpc
set -eu
root=$(cd "$(dirname "$0")/../../.." && pwd)
out=$1
mkdir -p "$out"
cd "$root"
protoc -I proto -I .buf --python_out="$out" --grpc_python_out="$out" \
  --plugin=protoc-gen-grpc_python="${GRPC_PYTHON_PLUGIN:-$(command -v grpc_python_plugin)}" \
  payment/v1/payment.proto payment/v1/payment_service.proto payment/v1/error.proto \
  buf/validate/validate.proto google/rpc/status.proto google/rpc/error_details.proto
