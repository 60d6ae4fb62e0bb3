// The key with which this device signs what it sends in place of pictures. It is made here, and its private half never
// leaves the browser: nothing can read it, also not this page.

const [DATABASE, STORE, NAME] = ["usual-device", "keys", "signing"];
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" };

/** The key pair of this device; made when there is none. @returns {Promise<CryptoKeyPair>} */
export async function signingKey() {
  const database = await opened();
  try {
    const kept = await inStore(database, "readonly", (store) => store.get(NAME));
    if (kept) return kept;
    const made = await crypto.subtle.generateKey(ALGORITHM, false, ["sign"]);
    // Another tab may have been faster: the first key counts.
    await inStore(database, "readwrite", (store) => store.add(made, NAME)).catch(() => {});
    return await inStore(database, "readonly", (store) => store.get(NAME));
  } finally {
    database.close();
  }
}

/** Whether this browser has one. */
export async function hasSigningKey() {
  const database = await opened();
  return (await inStore(database, "readonly", (store) => store.count(NAME)).finally(() => database.close())) > 0;
}

/** The next call of `signingKey` makes another one: for a device that is paired again. */
export async function forgetSigningKey() {
  const database = await opened();
  await inStore(database, "readwrite", (store) => store.delete(NAME)).finally(() => database.close());
}

/** The public half as a server takes it: 65 bytes. */
export async function publicHalf({ publicKey }) {
  return new Uint8Array(await crypto.subtle.exportKey("raw", publicKey));
}

function opened() {
  const asked = indexedDB.open(DATABASE, 1);
  asked.onupgradeneeded = () => asked.result.createObjectStore(STORE);
  return answered(asked);
}

/** One step in the store; its result once it is written. */
function inStore(database, mode, work) {
  return answered(work(database.transaction(STORE, mode).objectStore(STORE)));
}

function answered(asked) {
  return new Promise((done, refused) => {
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => refused(asked.error);
  });
}
