// Orders that wait, kept over a reload and a power cut: what was ordered, and nothing of who ordered it.

const FORMAT = 1; // of a record; another one is not read
const STORE = "orders";
const PATIENCE_MS = 2000;

/**
 * What may be kept of events: orders alone, as a guest's. A recommendation names a decision about somebody, a ride a
 * place, an offer whom it was made to: none of them is kept.
 */
export function asGuests(events) {
  return events.filter((event) => event.type === "ordered").map(({ recommendation_id, ...order }) => order);
}

/** A database of the browser. Where it is forbidden or full, `add` says so, and nothing else fails. */
export class KeptOrders {
  constructor(page) {
    this.name = `usual-orders-${page}`;
    this.opened = null;
  }

  /** Keep an order. @returns {Promise<boolean>} whether it is on the disk */
  async add({ key, events, madeMs, told }) {
    const orders = asGuests(events);
    if (!orders.length) return true; // nothing that has to be kept
    const record = { format: FORMAT, key, events: orders, madeMs, told };
    return this.#do("readwrite", (store) => store.put(record)).then(() => true, () => false);
  }

  async remove(key) {
    await this.#do("readwrite", (store) => store.delete(key)).catch(() => {});
  }

  /** What waits from before. */
  async all() {
    const rows = await this.#do("readonly", (store) => store.getAll()).catch(() => []);
    return rows.filter((row) => row.format === FORMAT);
  }

  /** A database that does not answer holds up no order. */
  #do(mode, work) {
    const late = new Promise((_, reject) => setTimeout(() => reject(new Error("the store does not answer")), PATIENCE_MS));
    return Promise.race([this.#inTime(mode, work), late]);
  }

  async #inTime(mode, work) {
    const database = await (this.opened ??= this.#open());
    return new Promise((resolve, reject) => {
      const way = database.transaction(STORE, mode, { durability: "strict" });
      const request = work(way.objectStore(STORE));
      way.oncomplete = () => resolve(request.result);
      way.onerror = way.onabort = () => reject(way.error ?? new Error("not kept"));
    });
  }

  #open() {
    return new Promise((resolve, reject) => {
      const request = indexedDB.open(this.name, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "key" });
      request.onsuccess = () => resolve(request.result);
      request.onerror = request.onblocked = () => reject(request.error ?? new Error("blocked"));
    });
  }
}
