// What a program of a tenant does, with nothing but the types that were made from the API's document.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type Product = components["schemas"]["Product"];
const [baseUrl, token] = process.argv.slice(2);
assert(baseUrl && token);
const api = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });

async function createProducts(count: number): Promise<Product[]> {
  const made: Product[] = [];
  for (let number = 0; number < count; number++) {
    const { data, error, response } = await api.POST("/api/v1/products/", {
      body: { sku: `TS-${number}`, name: `Mug ${number}`, price: "9.50", opening_stock: 5 },
      params: { header: { "Idempotency-Key": `ts-${number}` } },
    });
    assert(data, JSON.stringify(error));
    assert.equal(response.status, 201);
    made.push(data);
  }
  return made;
}

async function listAll(): Promise<string[]> {
  const skus: string[] = [];
  let cursor: string | undefined;
  do {
    const { data } = await api.GET("/api/v1/products/", {
      params: { query: { limit: 2, ordering: "sku", fields: ["id", "sku"], ...(cursor ? { cursor } : {}) } },
    });
    assert(data);
    skus.push(...data.data.map((product) => product.sku ?? "missing"));
    cursor = data.next ? (new URL(data.next).searchParams.get("cursor") ?? undefined) : undefined;
  } while (cursor);
  return skus;
}

async function order(product: Product): Promise<void> {
  const { data, error } = await api.POST("/api/v1/orders/", {
    body: { lines: [{ product: product.id, quantity: 2 }], place: true },
  });
  assert(data, JSON.stringify(error));
  assert.equal(data.status, "placed");
  assert.equal(data.lines[0]?.quantity, 2);
}

async function refusals(product: Product): Promise<void> {
  const taken = await api.POST("/api/v1/products/", {
    body: { sku: product.sku, name: "Again", price: "1.00" },
  });
  assert.equal(taken.error?.code, "sku_taken");
  const wrong = await api.POST("/api/v1/products/", { body: { sku: "X", name: "X", price: "1e3" } });
  assert.equal(wrong.error?.errors?.[0]?.pointer, "/price");
  const stale = await api.PATCH("/api/v1/products/{id}/", {
    params: { path: { id: product.id }, header: { "If-Match": '"another"' } },
    body: { name: "Cup" },
  });
  assert.equal(stale.error?.status, 412);
}

const products = await createProducts(5);
assert.deepEqual(await listAll(), products.map((product) => product.sku));
await order(products[0]!);
await refusals(products[0]!);
console.log("all as the types say");
