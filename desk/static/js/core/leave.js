// Signing out.

import { api, DESK } from "./server.js";

// Away from here: at the provider too, where it has signed this browser in.
export async function leave(path) {
  await api("DELETE", path).catch(() => {});
  const { address } = await api("POST", `${DESK}/oidc/end`).catch(() => ({}));
  location.assign(address || "/desk/sign-in");
}
