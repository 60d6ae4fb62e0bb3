// Sealing to a public key: HPKE (RFC 9180) in its base mode, with what every browser with X25519 has in WebCrypto.
// DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM; one message for each key that is made for it.

import { joined, utf8 } from "./bytes.js";

const KEM = joined(utf8("KEM"), [0, 0x20]);
const SUITE = joined(utf8("HPKE"), [0, 0x20, 0, 1, 0, 2]);
const VERSION = utf8("HPKE-v1");
const NOTHING = new Uint8Array(32); // what HMAC takes for an empty key
const [KEY_BYTES, NONCE_BYTES, SECRET_BYTES] = [32, 12, 32];

const hmac = async (key, text) => {
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, text));
};
const extract = (suite, salt, label, text) => hmac(salt, joined(VERSION, suite, utf8(label), text));
const expand = async (suite, key, label, text, length) => {
  const whole = await hmac(key, joined([0, length], VERSION, suite, utf8(label), text, [1]));
  return whole.slice(0, length);
};

/**
 * @param {Uint8Array} publicKey X25519, 32 bytes
 * @param {Uint8Array} info what the message is bound to
 * @returns {Promise<Uint8Array>} the key that was made for it (32 bytes), then the ciphertext and its tag (16 bytes)
 */
export async function seal(publicKey, info, content) {
  const { subtle } = crypto;
  const theirs = await subtle.importKey("raw", publicKey, { name: "X25519" }, false, []);
  const ours = await subtle.generateKey({ name: "X25519" }, false, ["deriveBits"]);
  const agreed = new Uint8Array(await subtle.deriveBits({ name: "X25519", public: theirs }, ours.privateKey, 256));
  const sent = new Uint8Array(await subtle.exportKey("raw", ours.publicKey));
  const secret = await sharedSecret(agreed, joined(sent, publicKey));
  const { key, nonce } = await schedule(secret, info);
  const aes = await subtle.importKey("raw", key, "AES-GCM", false, ["encrypt"]);
  return joined(sent, new Uint8Array(await subtle.encrypt({ name: "AES-GCM", iv: nonce }, aes, content)));
}

async function sharedSecret(agreed, context) {
  const key = await extract(KEM, NOTHING, "eae_prk", agreed);
  return expand(KEM, key, "shared_secret", context, SECRET_BYTES);
}

async function schedule(shared, info) {
  const hashes = [await extract(SUITE, NOTHING, "psk_id_hash", []), await extract(SUITE, NOTHING, "info_hash", info)];
  const context = joined([0], ...hashes);
  const secret = await extract(SUITE, shared, "secret", []);
  return {
    key: await expand(SUITE, secret, "key", context, KEY_BYTES),
    nonce: await expand(SUITE, secret, "base_nonce", context, NONCE_BYTES),
  };
}
