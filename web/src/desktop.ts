// SPDX-License-Identifier: Apache-2.0
// The desktop WebSocket (src/servers/web/README.md): requests with replies, events, and going on after a lost connection.
// A request lives until it is answered: after a reconnect it is repeated with its old ref, so it has its effect once.

import type { Events, Requests } from './messages'
import { present } from './session'

export class RequestError extends Error {
  constructor(
    readonly code: number,
    readonly field: string,
    text: string,
  ) {
    super(text)
  }
}

interface Waiting {
  frame: string
  resolve: (fields: unknown) => void
  reject: (error: Error) => void
}

interface Frame {
  seq?: number
  ref?: number
  message?: string
  from?: string
  fields?: Record<string, unknown>
  error?: { protocol: string; code: number; name: string; text: string; field: string; retryable: boolean; retry_after_ms?: number }
}

export type State = 'connecting' | 'up' | 'ended'

const CLOSE_SESSION_ENDED = 4001
const CLOSE_TAKEN_OVER = 4002
const ACK_EVERY = 32
const RETRY_MS = 1000

export class Desktop {
  state: State = 'connecting'
  onState: (state: State) => void = () => undefined
  private socket: WebSocket | null = null
  private session = ''
  private seq = 0
  private lastAck = 0
  private isWelcome = false
  private nextRef = 1
  private pauseMs = 500
  private timer = 0
  private readonly waiting = new Map<number, Waiting>()
  private readonly listeners = new Map<string, Set<(fields: never) => void>>()

  start(): void {
    this.connect()
  }

  stop(): void {
    this.setState('ended')
    window.clearTimeout(this.timer)
    this.socket?.close(1000)
    for (const one of this.waiting.values()) one.reject(new Error('The session has ended.'))
    this.waiting.clear()
  }

  ask<Name extends keyof Requests>(name: Name, fields: Partial<Requests[Name]['fields']>): Promise<Requests[Name]['reply']> {
    const [to, message] = name.split('.')
    const ref = this.nextRef++
    const frame = JSON.stringify({ to, message, ref, fields })
    return new Promise((resolve, reject) => {
      if (this.state === 'ended') {
        reject(new Error('The session has ended.'))
        return
      }
      this.waiting.set(ref, { frame, resolve: resolve as (fields: unknown) => void, reject })
      this.send(frame)
    })
  }

  on<Name extends keyof Events>(name: Name, listener: (fields: Events[Name]) => void): () => void {
    const set = this.listeners.get(name) ?? new Set()
    this.listeners.set(name, set)
    set.add(listener as (fields: never) => void)
    return () => set.delete(listener as (fields: never) => void)
  }

  private send(frame: string): void {
    if (this.state === 'up' && this.socket?.readyState === WebSocket.OPEN) this.socket.send(frame)
  }

  private setState(state: State): void {
    if (this.state === state) return
    this.state = state
    this.onState(state)
  }

  private connect(): void {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
    const resume = this.session ? `?session=${encodeURIComponent(this.session)}&seq=${this.seq}` : ''
    const socket = new WebSocket(`${scheme}://${location.host}/desktop${resume}`)
    this.socket = socket
    this.isWelcome = false
    socket.onmessage = (event: MessageEvent<string>) => this.onFrame(JSON.parse(event.data) as Frame)
    socket.onclose = (event) => this.onClose(event.code)
  }

  private onClose(code: number): void {
    if (this.state === 'ended') return
    if (code === CLOSE_SESSION_ENDED || code === CLOSE_TAKEN_OVER) {
      this.stop()
      return
    }
    this.setState('connecting')
    if (!this.isWelcome) this.endWithSession()
    this.timer = window.setTimeout(() => this.connect(), this.pauseMs * (0.8 + Math.random() * 0.4))
    this.pauseMs = Math.min(this.pauseMs * 2, 15000)
  }

  // A browser does not tell why a socket was refused. Who cannot be asked is away, and that passes.
  private endWithSession(): void {
    present().then(
      (session) => {
        if (session === null) this.stop()
      },
      () => undefined,
    )
  }

  private onFrame(frame: Frame): void {
    if (frame.message === 'Welcome') {
      this.onWelcome(frame.fields as { session: string; seq: number; resumed: boolean })
      return
    }
    if (frame.ref !== undefined) this.onReply(frame.ref, frame)
    else if (frame.message)
      for (const listener of this.listeners.get(frame.message) ?? []) (listener as (fields: unknown) => void)(frame.fields)
    if (frame.seq === undefined) return
    this.seq = frame.seq
    if (++this.lastAck % ACK_EVERY === 0) this.send(JSON.stringify({ ack: frame.seq }))
  }

  private onWelcome(fields: { session: string; seq: number; resumed: boolean }): void {
    if (fields.session !== this.session) this.seq = fields.seq
    this.session = fields.session
    this.pauseMs = 500
    this.isWelcome = true
    this.setState('up')
    for (const one of this.waiting.values()) this.send(one.frame)
  }

  private onReply(ref: number, frame: Frame): void {
    const waiting = this.waiting.get(ref)
    if (!waiting) return
    const error = frame.error
    if (error?.retryable && error.protocol === 'web') {
      window.setTimeout(() => this.send(waiting.frame), error.retry_after_ms ?? RETRY_MS)
      return
    }
    this.waiting.delete(ref)
    if (error) waiting.reject(new RequestError(error.code, error.field, error.text))
    else waiting.resolve(frame.fields)
  }
}
