// SPDX-License-Identifier: Apache-2.0
// The log-in: requests to web's own HTTP API (src/servers/web/README.md).

export interface Person {
  employeeId: string
  userName: string
  firstName?: string
  lastName?: string
  access: 'agent' | 'administrator'
  isAgent: boolean
}

export interface Session {
  person: Person
  mustChangePassword: boolean
}

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    text: string,
  ) {
    super(text)
  }
}

async function call(method: string, path: string, body?: object): Promise<Response> {
  const response = await fetch(path, {
    method,
    credentials: 'same-origin',
    headers: body ? { 'Content-Type': 'application/json' } : {},
    body: body ? JSON.stringify(body) : null,
  })
  if (response.ok) return response
  const wait = response.headers.get('Retry-After')
  let error = { code: 'Unavailable', text: `The server answered ${response.status}.` }
  try {
    error = ((await response.json()) as { error: typeof error }).error
  } catch {
    // Not ours: a proxy between, say. The words above have to do.
  }
  throw new ApiError(response.status, error.code, wait ? `${error.text} Try again in ${wait} s.` : error.text)
}

export async function present(): Promise<Session | null> {
  try {
    return (await (await call('GET', '/api/session')).json()) as Session
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null
    throw error
  }
}

export async function logIn(user: string, password: string): Promise<Session> {
  const body = { user, password, cookie: true }
  return (await (await call('POST', '/api/login', body)).json()) as Session
}

export async function logOut(): Promise<void> {
  await call('POST', '/api/logout')
}

export async function changePassword(password: string, newPassword: string): Promise<void> {
  await call('POST', '/api/password', { password, newPassword })
}
