// SPDX-License-Identifier: Apache-2.0
// What pages are made of: tables, forms, notices, and asking with an error shown where it was asked.

import type { ComponentChildren } from 'preact'
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'

export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Asks now and every `everyMs`; `data` is the last answer, `again` asks at once. */
export function useAsked<Answer>(ask: () => Promise<Answer>, key: string, everyMs = 0) {
  const [data, setData] = useState<Answer | null>(null)
  const [error, setError] = useState('')
  const latest = useRef(ask)
  const round = useRef(0)
  latest.current = ask
  const again = useCallback(() => {
    const mine = ++round.current
    latest.current().then(
      (answer) => {
        if (mine !== round.current) return
        setData(answer)
        setError('')
      },
      (fault: unknown) => {
        if (mine === round.current) setError(wordsOf(fault))
      },
    )
  }, [])
  useEffect(() => {
    setData(null)
    again()
    const timer = everyMs ? window.setInterval(again, everyMs) : 0
    return () => {
      round.current++
      window.clearInterval(timer)
    }
  }, [key, everyMs])
  return { data, error, again }
}

export function ErrorText({ text }: { text: string }) {
  return (
    <p role="alert" class={text ? 'error' : 'error empty'}>
      {text}
    </p>
  )
}

export function Notice({ text }: { text: string }) {
  return (
    <p role="status" class="notice">
      {text}
    </p>
  )
}

export interface Column<Row> {
  title: string
  cell: (row: Row) => ComponentChildren
  isNumber?: boolean
}

export function Table<Row>({ caption, rows, columns, empty }: { caption: string; rows: Row[] | undefined; columns: Column<Row>[]; empty: string }) {
  return (
    // Wide tables scroll by keyboard too.
    <div class="scroll" tabIndex={0} role="region" aria-label={caption}>
      <table>
        <caption>{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.title} scope="col" class={column.isNumber ? 'number' : ''}>
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows?.map((row, index) => (
            <tr key={index}>
              {columns.map((column) => (
                <td key={column.title} class={column.isNumber ? 'number' : ''}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
          {rows?.length === 0 && (
            <tr>
              <td colSpan={columns.length}>{empty}</td>
            </tr>
          )}
        </tbody>
      </table>
    </div>
  )
}

export function Facts({ facts }: { facts: [string, ComponentChildren][] }) {
  return (
    <dl class="facts">
      {facts
        .filter(([, value]) => value !== undefined && value !== '')
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  )
}

export function Input(props: { label: string; value: string; onValue: (value: string) => void; type?: string; required?: boolean; autoComplete?: string; autoFocus?: boolean; maxLength?: number; inputMode?: 'numeric' | 'tel' }) {
  return (
    <label class="field">
      <span>{props.label}</span>
      <input
        type={props.type ?? 'text'}
        value={props.value}
        required={props.required}
        autoComplete={props.autoComplete ?? 'off'}
        autoFocus={props.autoFocus}
        maxLength={props.maxLength}
        inputMode={props.inputMode}
        onInput={(event) => props.onValue(event.currentTarget.value)}
      />
    </label>
  )
}

export function Select({ label, value, onValue, choices }: { label: string; value: string; onValue: (value: string) => void; choices: [string, string][] }) {
  return (
    <label class="field">
      <span>{label}</span>
      <select value={value} onChange={(event) => onValue(event.currentTarget.value)}>
        {choices.map(([key, name]) => (
          <option key={key} value={key}>
            {name}
          </option>
        ))}
      </select>
    </label>
  )
}

/** A button that works until its promise ends, and cannot be pressed twice meanwhile. */
export function Action({ name, run, kind, isDisabled, describe, hotkey }: { name: string; run: () => Promise<unknown>; kind?: 'main' | 'danger'; isDisabled?: boolean; describe?: string; hotkey?: string }) {
  const [isBusy, setBusy] = useState(false)
  return (
    <button
      type="button"
      class={kind ?? ''}
      disabled={isBusy || isDisabled}
      aria-label={describe}
      aria-keyshortcuts={hotkey}
      onClick={() => {
        setBusy(true)
        run().finally(() => setBusy(false))
      }}
    >
      {name}
    </button>
  )
}

/** Pages forth and back. `pages`: where each page but the first begins, the present one last; `next`: where the next would. */
export function Pager<Mark>({ pages, onPages, next }: { pages: Mark[]; onPages: (pages: Mark[]) => void; next: Mark | undefined }) {
  return (
    <p class="actions">
      <Action name="Page before" isDisabled={pages.length === 0} run={async () => onPages(pages.slice(0, -1))} />
      <Action name="Next page" isDisabled={next === undefined} run={async () => next !== undefined && onPages([...pages, next])} />
    </p>
  )
}

/** What moved of an object. */
export function Moves({ properties }: { properties: { path: string; old?: string; new?: string }[] | undefined }) {
  return (
    <ul>
      {properties?.map((one) => (
        <li key={one.path}>
          {one.path}: <code>{one.old ?? '–'}</code> → <code>{one.new ?? '–'}</code>
        </li>
      ))}
    </ul>
  )
}
