"""A service in Python that calls over gRPC. Make the stubs first (generate.sh), and have `npm start` running:

    PYTHONPATH=/tmp/payment-stubs python3 examples/clients/python/payments.py localhost:50051

It needs grpcio and protobuf. On Debian: apt-get install python3-grpcio python3-protobuf
With AUTH_MODE=jwt, put a token of your issuer into PAYMENT_TOKEN. It prints a JSON object a line, and ends with 1 when something went wrong.
"""

import json
import os
import pkgutil
import sys
import time

import google
import grpc

# The stubs have a folder google/rpc beside the installed package google.
google.__path__ = pkgutil.extend_path(google.__path__, "google")

from google.rpc import error_details_pb2, status_pb2  # noqa: E402
from payment.v1 import payment_pb2, payment_service_pb2, payment_service_pb2_grpc  # noqa: E402

ATTEMPTS_MAX = 5
DEADLINE_S = 15
# Not answers, but invitations to send the same request again.
TRY_AGAIN = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED, grpc.StatusCode.DEADLINE_EXCEEDED}


def credentials():
    token = os.environ.get("PAYMENT_TOKEN")
    return [("authorization", f"Bearer {token}")] if token else []


def call(method, request):
    """The request id makes the repetition safe: however often it is sent, money moves once, and the answer is the same."""
    for attempt in range(1, ATTEMPTS_MAX + 1):
        try:
            return method(request, timeout=DEADLINE_S, metadata=credentials())
        except grpc.RpcError as error:
            if error.code() not in TRY_AGAIN or attempt == ATTEMPTS_MAX:
                raise
            time.sleep(0.2 * 2**attempt)


def explain(error):
    """The reason, and whether money moved, from the google.rpc.ErrorInfo that every refusal has."""
    for name, value in error.trailing_metadata():
        if name != "grpc-status-details-bin":
            continue
        for detail in status_pb2.Status.FromString(value).details:
            info = error_details_pb2.ErrorInfo()
            if detail.Unpack(info):
                return info.reason, info.metadata["outcome"]
    return None, None


def show(step, payment):
    told = {
        "step": step,
        "paymentId": payment.payment_id,
        "orderId": payment.order_id,
        "status": payment_pb2.PaymentStatus.Name(payment.status),
        "amount": {"currency": payment.amount.currency, "minor": payment.amount.minor},
        "refunded": payment.amount_refunded.minor,
        "failure": payment.failure.reason if payment.HasField("failure") else None,
    }
    print(json.dumps(told), flush=True)


def main():
    address = sys.argv[1] if len(sys.argv) > 1 else "localhost:50051"
    with grpc.insecure_channel(address) as channel:
        service = payment_service_pb2_grpc.PaymentServiceStub(channel)
        order_id = f"python-{time.time_ns()}"
        amount = payment_pb2.Money(currency="EUR", minor=1999)
        intent = {"amount": amount, "mode": payment_pb2.PAYMENT_MODE_INTENT}

        create = payment_service_pb2.CreatePaymentRequest(order_id=order_id, request_id=f"create-{order_id}", **intent)
        show("created", call(service.CreatePayment, create).payment)
        pay = payment_service_pb2.CompletePaymentRequest(
            order_id=order_id, payment_method="pm_card_visa", request_id=f"complete-{order_id}"
        )
        show("completed", call(service.CompletePayment, pay).payment)
        # As after an answer that was lost.
        show("completed, asked again", call(service.CompletePayment, pay).payment)
        refund = payment_service_pb2.RefundPaymentRequest(
            order_id=order_id, amount=payment_pb2.Money(currency="EUR", minor=500), request_id=f"refund-{order_id}"
        )
        show("refunded", call(service.RefundPayment, refund).payment)

        declined = payment_service_pb2.CreatePaymentRequest(
            order_id=f"{order_id}-declined",
            payment_method="pm_card_visa_chargeDeclined",
            request_id=f"create-{order_id}-declined",
            **intent,
        )
        # A decline is an answer, and no error.
        show("declined", call(service.CreatePayment, declined).payment)

        too_much = payment_service_pb2.RefundPaymentRequest(
            order_id=order_id, amount=payment_pb2.Money(currency="EUR", minor=5000), request_id=f"refund-all-{order_id}"
        )
        try:
            call(service.RefundPayment, too_much)
            raise SystemExit("more was given back than was paid")
        except grpc.RpcError as error:
            reason, outcome = explain(error)
            print(json.dumps({"step": "refused", "code": error.code().name, "reason": reason, "outcome": outcome}))


try:
    main()
except grpc.RpcError as error:
    sys.exit(f"{error.code().name}: {error.details()}")
