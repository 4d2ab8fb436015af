import type { Server } from 'node:http'
import { isRecord, PlatformError } from '@cordon/contracts'

/** Where a server listens. */
export interface ListenPlace {
  readonly port: number
  readonly host: string
  /** Descriptor of a socket that listens already, instead of both. */
  readonly fd: number | undefined
}

/** Where a server really listens. */
export interface BoundPlace {
  readonly port: number
  /** As it was given, or the address of the inherited socket. */
  readonly host: string
  /** `127.0.0.1` of `localhost`. */
  readonly address: string
}

/** Begins to listen. @throws PlatformError INVALID_OPTION */
export function listen(server: Server, { port, host, fd }: ListenPlace): Promise<BoundPlace> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(fd === undefined ? cannotListen(error, port, host) : cannotInherit(fd, error)))
    function onListening(): void {
      const bound = server.address()
      if (typeof bound === 'object' && bound !== null)
        resolve({ port: bound.port, host: fd === undefined ? host : bound.address, address: bound.address })
      else {
        server.close()
        reject(cannotInherit(fd ?? 0))
      }
    }
    if (fd === undefined) server.listen(port, host, onListening)
    else server.listen({ fd }, onListening)
  })
}

/** True for addresses that only this machine can reach. */
export function isLoopbackAddress(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127(\.\d{1,3}){3}$/.test(address)
}

function cannotListen(error: Error, port: number, host: string): PlatformError {
  const code = isRecord(error) ? error['code'] : undefined
  const reason =
    code === 'EADDRINUSE'
      ? 'another program uses this port. Stop it, or choose another port'
      : code === 'EACCES'
        ? 'this port needs privileges. Choose a port above 1023'
        : error.message
  return new PlatformError('INVALID_OPTION', `Cannot listen on ${host}:${port}: ${reason}`, { details: { option: 'port', port, host }, cause: error })
}

function cannotInherit(fd: number, cause?: Error): PlatformError {
  const message = `Cannot listen on the inherited descriptor ${fd}: it is no TCP socket. In a socket unit, write ListenStream= with an address and a port, such as 127.0.0.1:8080`
  return new PlatformError('INVALID_OPTION', message, { details: { option: 'fd' }, ...(cause === undefined ? {} : { cause }) })
}
