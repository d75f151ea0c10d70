// SPDX-License-Identifier: Apache-2.0
// The administration API (framework 3.3, 6.5, 9): what is not asked over the desktop's WebSocket, schemas and streams of events.

import { useEffect, useState } from 'preact/hooks'

export async function get<Answer>(path: string): Promise<Answer> {
  const response = await fetch(path, { credentials: 'same-origin' })
  if (response.ok) return (await response.json()) as Answer
  let words = `The server answered ${response.status}.`
  try {
    words = ((await response.json()) as { message?: string }).message ?? words
  } catch {
    // Not ours: a proxy between, say.
  }
  throw new Error(words)
}

/** Hears server-sent events as long as the page is shown. `words`: what to say while they do not come. */
export function useEvents(path: string, listeners: Record<string, (data: never) => void>): string {
  const [words, setWords] = useState('')
  useEffect(() => {
    const source = new EventSource(path)
    source.onopen = () => setWords('')
    source.onerror = () => setWords('The server does not answer; what is shown may be old.')
    for (const [name, listener] of Object.entries(listeners))
      source.addEventListener(name, (event) => listener(JSON.parse((event as MessageEvent<string>).data) as never))
    return () => source.close()
  }, [path])
  return words
}

// --- what objects are made of (GET /api/cfg/v1/schema/objects) ---

export interface Field {
  name: string
  type: 'bool' | 'u32' | 'u64' | 'i64' | 'f64' | 'text' | 'bytes' | 'kv' | 'nested'
  isList: boolean
  isRequired: boolean
  min?: number
  max?: number
  maxLength?: number
  choices?: string[]
  default?: string
  unit?: string
  reference?: string
  help?: string
  fields?: Field[]
}

export interface ObjectType {
  name: string
  plural: string
  help: string
  isGlobal: boolean
  key: string[]
  fields: Field[]
}

let types: Promise<ObjectType[]> | undefined

export function objectTypes(): Promise<ObjectType[]> {
  types ??= get<{ types: ObjectType[] }>('/api/cfg/v1/schema/objects').then((answer) => answer.types)
  types.catch(() => (types = undefined))
  return types
}

export async function objectType(name: string): Promise<ObjectType> {
  const found = (await objectTypes()).find((type) => type.name === name)
  if (!found) throw new Error(`There is no object type ${name}.`)
  return found
}

// --- options of an application type (GET /api/cfg/v1/schema/{appType}) ---

export interface Option {
  section: string
  name: string
  type: string
  default?: string
  choices?: string[]
  effective: string
  unit?: string
  desc: string
}

export async function optionsOf(appType: string): Promise<Option[]> {
  const parts = await Promise.all(
    ['common', appType].filter(Boolean).map((name) =>
      get<{ options: Option[] }>(`/api/cfg/v1/schema/${encodeURIComponent(name)}`).then(
        (answer) => answer.options,
        () => [], // a type of somebody else's: its options are free
      ),
    ),
  )
  return parts.flat()
}
