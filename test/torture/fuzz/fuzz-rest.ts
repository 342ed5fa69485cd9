// What the five dialects of REST are asked: each route with a request that it would take.
import { anyOrder, type Material, nextOrder } from "./fuzz-material.ts";

export interface RestRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body: Record<string, unknown> | null;
}

export type RestTemplate = (material: Material) => RestRequest;

const UUID = "01a1febd-c2cb-7ac5-9399-8d44bc94075f";

function post(path: string, body: Record<string, unknown>): RestRequest {
  return { method: "POST", path, body };
}

function get(path: string): RestRequest {
  return { method: "GET", path, body: null };
}

function cart(material: Material): Record<string, unknown> {
  const book = { book_id: "b1", title: "A book", quantity: 1, price_cents: 1_299, price_credits: 5 };
  return { user_id: "user_123", items: [book], currency: "usd", metadata: { order: nextOrder(material) } };
}

/** A card that is there to be read, and whose number is no test card's. */
function purchase(material: Material): Record<string, unknown> {
  const card = {
    card_number: "4242424242424240",
    expiry_month: "12",
    expiry_year: "2034",
    cvv: "123",
    cardholder_name: "Ada",
  };
  return {
    user_id: "user_123",
    booking_id: nextOrder(material),
    amount: 25.5,
    payment_method: "credit_card",
    card_details: card,
  };
}

export const REST_TEMPLATES: readonly RestTemplate[] = [
  (material) =>
    post("/v1/payments/session", {
      orderId: nextOrder(material),
      currency: "usd",
      items: [{ name: "Lamp", price: 12.5, quantity: 2 }],
    }),
  (material) => post(`/v1/payments/complete/order/${anyOrder(material)}`, { amount: 5.25 }),
  (material) => post(`/v1/payments/cancel/order/${anyOrder(material)}`, { reason: "fuzz" }),
  (material) => post("/v1/payments/refund/order", { orderId: anyOrder(material), amount: 5.25, reason: "fuzz" }),
  (material) => get(`/v1/payments/status/order/${anyOrder(material)}`),
  () => get(`/v1/payments/payment_${UUID}`),
  (material) =>
    get(`/v1/payments?pageSize=2&status=paid&orderId=${anyOrder(material)}&createdFrom=2026-01-01T00:00:00Z`),
  (material) => get(`/v1/payments/success?session_id=cs_test_x&order=${anyOrder(material)}`),

  (material) => post("/payments/create-session", { orderId: nextOrder(material), amount: 199.98, currency: "usd" }),
  (material) => get(`/payments/status/${anyOrder(material)}`),

  (material) => post("/payment/process", purchase(material)),
  (material) =>
    post("/payment/refund", {
      booking_id: anyOrder(material),
      original_transaction_id: UUID,
      refund_amount: 25.5,
      reason: "fuzz",
      user_id: "user_123",
    }),
  () => get(`/payment/status/${UUID}`),
  () => get("/payment/methods"),

  (material) => post("/api/v1/payment/create-payment-intent", cart(material)),
  (material) => post("/api/v1/payment/create-checkout-session", cart(material)),
  () => post("/api/v1/payment/confirm-payment", { payment_id: `payment_${UUID}`, payment_method_id: "pm_card_visa" }),
  () => post("/api/v1/payment/refund", { payment_id: `payment_${UUID}`, amount_cents: 100, reason: "fuzz" }),
  () => get(`/api/v1/payment/payment/payment_${UUID}`),
  () => get("/api/v1/payment/checkout-session/cs_test_x"),

  (material) =>
    post("/api/payments", { orderId: nextOrder(material), amount: 12.5, currency: "USD", mode: "Checkout" }),
  () => get("/api/payments?page=1&pageSize=2&status=Succeeded"),
  () => post(`/api/payments/${UUID}/confirm`, { paymentMethodId: "pm_card_visa" }),
  () => post(`/api/payments/${UUID}/refund`, { amount: 1.5, reason: "fuzz" }),
  () => get(`/api/payments/${UUID}`),
  () => post("/internal/payments/capture", { paymentId: UUID, amount: 1.5 }),
];
