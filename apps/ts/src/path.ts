/** The path of a request. */

/** The path of a request, not decoded, without one slash at its end. */
export function pathOf({ url }: { url: string }): string {
  // Not `new URL`: the URL contains the Host header of the client, which may be invalid.
  const path = /^(?:[a-z]+:\/\/[^/?#]*)?([^?#]*)/i.exec(url)?.[1] ?? "";
  return path.replace(/\/$/, "") || "/";
}
