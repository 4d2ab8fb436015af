/** How commands talk to a platform: requests in, responses out, wherever it runs. */
export interface Client {
  /** `path` starts with `/api`. @throws CommandFailure with exit code 3 when nobody answers */
  request(path: string, init?: RequestInit): Promise<Response>
  /** Lets go of the platform; one that this process opened is closed. */
  close(): Promise<void>
}
