/** The name of a header: tokens of RFC 9110, section 5.6.2. */
export const headerName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** The value of a header: field content of RFC 9110, section 5.5. */
export const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/
/** Headers, in lower case, that belong to the connection, which is the host's, and those of proxies. */
export const connectionHeader = /^(?:connection|content-length|expect|host|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade)$/
