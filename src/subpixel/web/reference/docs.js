// The interface's description, to read and to try. The token comes from the page's session or from /docs#token=…; it is
// sent as a header, never in an address.
"use strict";

const given = new URLSearchParams(window.location.hash.slice(1)).get("token");
if (given) {
  sessionStorage.setItem("subpixel-token", given);
  history.replaceState(null, "", window.location.pathname);
}
const token = sessionStorage.getItem("subpixel-token");

SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#interface",
  deepLinking: false,
  validatorUrl: null,
  requestInterceptor(request) {
    if (token && new URL(request.url, window.location.href).origin === window.location.origin) {
      request.headers.Authorization = `Bearer ${token}`;
    }
    return request;
  },
});
