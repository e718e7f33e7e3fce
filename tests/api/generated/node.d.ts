// The little of Node that the journey needs.
declare const process: { argv: string[] };
declare module "node:assert/strict" {
  function assert(value: unknown, message?: string): asserts value;
  namespace assert {
    function equal(actual: unknown, expected: unknown): void;
    function deepEqual(actual: unknown, expected: unknown): void;
  }
  export default assert;
}
