// An inventory service: products, what is there of each, and what is reserved for orders. It keeps all of it in memory.
//
// POST /products {name, price, stock}          GET /products/:id
// POST /internal/inventory/reserve             {productId, quantity, orderId}
// POST /internal/inventory/release             {productId, quantity, orderId, releaseId}, once for each releaseId
import { randomUUID } from "node:crypto";
import { type Answer, type Handler, isInternal, problem } from "./http.ts";

export interface Product {
  readonly _id: string;
  readonly name: string;
  /** In minor units, so that nothing is lost when it is multiplied. */
  readonly priceMinor: bigint;
  readonly stock: number;
  readonly reserved: number;
}

/** 199.98, as a JSON number with these digits. */
export function printPrice(minor: bigint): unknown {
  return JSON.rawJSON(
    minor
      .toString()
      .padStart(3, "0")
      .replace(/(\d\d)$/, ".$1"),
  );
}

function show({ _id, name, priceMinor, stock, reserved }: Product): Answer {
  return { status: 200, body: { product: { _id, name, price: printPrice(priceMinor), stock, reserved } } };
}

export class Inventory {
  readonly #products = new Map<string, Product>();
  readonly #released = new Set<string>();

  add(name: string, priceMinor: bigint, stock: number): Product {
    const product = { _id: randomUUID(), name, priceMinor, stock, reserved: 0 };
    this.#products.set(product._id, product);
    return product;
  }

  get(id: string): Product | undefined {
    return this.#products.get(id);
  }

  /** Whether there was enough. */
  reserve(id: string, quantity: number): boolean {
    const product = this.#products.get(id);
    if (!product || product.stock < quantity) return false;
    this.#move(product, -quantity);
    return true;
  }

  /** Whether the product is there. The same key releases once, however often it comes. */
  release(id: string, quantity: number, key: string): boolean {
    const product = this.#products.get(id);
    if (!product) return false;
    if (!this.#released.has(key)) this.#move(product, quantity);
    this.#released.add(key);
    return true;
  }

  #move(product: Product, toStock: number): void {
    const { stock, reserved } = product;
    this.#products.set(product._id, { ...product, stock: stock + toStock, reserved: reserved - toStock });
  }
}

export function inventoryHandler(inventory: Inventory, token: string): Handler {
  return (question) => {
    const { method, path, body } = question;
    const route = `${method} /${path.join("/")}`;
    if (route === "POST /products") {
      const priceMinor = BigInt(String(body["priceMinor"]));
      return show(inventory.add(String(body["name"]), priceMinor, Number(body["stock"])));
    }
    if (method === "GET" && path[0] === "products") {
      const product = inventory.get(path[1] ?? "");
      return product ? show(product) : problem(404, "Product not found");
    }
    if (path[0] !== "internal") return problem(404, "Not found");
    if (!isInternal(question, token)) return problem(403, "Forbidden");
    const [productId, quantity] = [String(body["productId"]), Number(body["quantity"])];
    if (!Number.isInteger(quantity) || quantity < 1) return problem(400, "quantity is required");
    if (route === "POST /internal/inventory/reserve") {
      return inventory.reserve(productId, quantity)
        ? { status: 200, body: { reserved: quantity } }
        : problem(409, "Not enough in stock");
    }
    if (route === "POST /internal/inventory/release") {
      const key = question.header("idempotency-key") || String(body["releaseId"]);
      return inventory.release(productId, quantity, key)
        ? { status: 200, body: { released: quantity } }
        : problem(404, "Product not found");
    }
    return problem(404, "Not found");
  };
}
