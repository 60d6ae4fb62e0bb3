// From what the engine saw to the message that is sent: sealed to the tenant's key, signed by the device's own.

import { fromBase64Url, fromHex, joined } from "./bytes.js";
import { seal } from "./hpke.js";
import { boundText, contentOf, headerOf } from "./message.js";

/**
 * A message for one press and one purpose; nobody else can open it, and it fits no other press.
 * @param look of `Press.look`
 * @param {{purpose: string, nonce: string, seal: object}} press `seal` as the reply to the press has it
 * @param {CryptoKey} signingKey the device's private key (ECDSA, P-256)
 * @returns {Promise<Uint8Array>}
 * @throws {RangeError} the vectors are not those of the pack that the server compares
 */
export async function sealedMessage(look, { purpose, nonce, seal: asked }, signingKey) {
  const { pack, device, size, masks } = asked;
  if (look.pack !== pack) throw new RangeError(`the server compares vectors of ${pack}, these are of ${look.pack}`);
  const bound = boundText({ purpose, pack, device, nonce });
  const content = contentOf(look, { purpose, size, masks });
  const closed = await seal(fromBase64Url(asked.public_key), bound, content);
  const message = joined(headerOf(purpose, fromHex(asked.key_id), pack), closed);
  const signed = joined(bound, [0], message);
  const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, signingKey, signed);
  return joined(message, new Uint8Array(signature));
}
