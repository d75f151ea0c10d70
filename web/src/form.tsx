// SPDX-License-Identifier: Apache-2.0
// Forms that are made of a schema: one control for each field, by its type.

import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { isBody, type Body, type Json } from './changes'
import { Input, Select } from './parts'
import type { Field, Option } from './rest'

interface Part<Value> {
  label: string
  value: Value
  onValue: (value: Value) => void
}

/** Set `name`; undefined: the field is absent, and has its default. */
function withField(body: Body, name: string, value: Json | undefined): Body {
  const { [name]: _, ...rest } = body
  return value === undefined ? rest : { ...rest, [name]: value }
}

export function ObjectForm({ fields, body, onBody, options }: { fields: Field[]; body: Body; onBody: (body: Body) => void; options: Option[] }) {
  return (
    <div class="form">
      {fields.map((field) => (
        <FieldControl key={field.name} field={field} value={body[field.name]} options={options} onValue={(value) => onBody(withField(body, field.name, value))} />
      ))}
    </div>
  )
}

function labelOf(field: Field): string {
  return [field.name, field.unit && `(${field.unit})`, field.isRequired && '*'].filter(Boolean).join(' ')
}

function FieldControl({ field, value, onValue, options }: { field: Field; value: Json | undefined; onValue: (value: Json | undefined) => void; options: Option[] }) {
  const label = labelOf(field)
  if (field.type === 'kv' && (field.name === 'options' || field.name === 'annex'))
    return <Sections label={field.name} value={isBody(value) ? value : {}} onValue={onValue} options={field.name === 'options' ? options : []} />
  if (field.type === 'kv') return <JsonText label={label} value={value} onValue={onValue} />
  if (field.type === 'nested' && field.isList) return <Items field={field} value={Array.isArray(value) ? value : []} onValue={onValue} />
  if (field.type === 'nested')
    return (
      <Group title={field.name} help={field.help}>
        <ObjectForm fields={field.fields ?? []} body={isBody(value) ? value : {}} onBody={onValue} options={[]} />
      </Group>
    )
  if (field.isList) return <Lines label={label} field={field} value={Array.isArray(value) ? value : []} onValue={onValue} />
  return (
    <div class="control" title={field.help}>
      <Scalar label={label} field={field} value={value} onValue={onValue} />
      <small>{field.help}</small>
    </div>
  )
}

function Scalar({ label, field, value, onValue }: Part<Json | undefined> & { field: Field }) {
  const byDefault = field.default === undefined ? 'not set' : `default: ${field.default}`
  const choices = field.type === 'bool' ? ['true', 'false'] : field.choices
  const present = value === undefined ? '' : String(value)
  if (choices)
    return (
      <Select
        label={label}
        value={present}
        onValue={(word) => onValue(word === '' ? undefined : field.type === 'bool' ? word === 'true' : word)}
        choices={[['', byDefault], ...choices.map((one): [string, string] => [one, one])]}
      />
    )
  const isNumber = field.type !== 'text' && field.type !== 'bytes'
  return (
    <Input
      label={label}
      value={present}
      maxLength={field.maxLength}
      inputMode={isNumber ? 'numeric' : undefined}
      onValue={(word) => onValue(word === '' ? undefined : isNumber && word.trim() !== '' && !Number.isNaN(Number(word)) ? Number(word) : word)}
    />
  )
}

function Group({ title, help, children }: { title: string; help?: string; children: ComponentChildren }) {
  return (
    <fieldset>
      <legend>{title}</legend>
      {help && <small>{help}</small>}
      {children}
    </fieldset>
  )
}

function Lines({ label, field, value, onValue }: { label: string; field: Field; value: Json[]; onValue: (value: Json | undefined) => void }) {
  const [text, setText] = useState(value.map(String).join('\n'))
  const read = (words: string): Json[] =>
    words
      .split('\n')
      .map((one) => one.trim())
      .filter(Boolean)
      .map((one) => (field.type === 'text' || Number.isNaN(Number(one)) ? one : Number(one)))
  return (
    <label class="field">
      <span>{label}, one a line</span>
      <textarea
        rows={Math.min(Math.max(value.length + 1, 2), 10)}
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value)
          const lines = read(event.currentTarget.value)
          onValue(lines.length ? lines : undefined)
        }}
      />
      <small>{field.help}</small>
    </label>
  )
}

function Items({ field, value, onValue }: { field: Field; value: Json[]; onValue: (value: Json | undefined) => void }) {
  const set = (items: Json[]) => onValue(items.length ? items : undefined)
  return (
    <Group title={field.name} help={field.help}>
      {value.map((item, index) => (
        <Group key={index} title={`${field.name} ${index + 1}`}>
          <ObjectForm fields={field.fields ?? []} body={isBody(item) ? item : {}} options={[]} onBody={(body) => set(value.map((one, at) => (at === index ? body : one)))} />
          <button type="button" class="danger" aria-label={`Remove ${field.name} ${index + 1}`} onClick={() => set(value.filter((_, at) => at !== index))}>
            Remove
          </button>
        </Group>
      ))}
      <button type="button" aria-label={`Add to ${field.name}`} onClick={() => set([...value, {}])}>
        Add
      </button>
    </Group>
  )
}

/** Anything else: JSON, kept as typed until it can be read. */
function JsonText({ label, value, onValue }: Part<Json | undefined>) {
  const [text, setText] = useState(value === undefined ? '' : JSON.stringify(value, null, 2))
  const [isBad, setBad] = useState(false)
  return (
    <label class="field">
      <span>{label}, JSON</span>
      <textarea
        rows={3}
        value={text}
        aria-invalid={isBad}
        onInput={(event) => {
          setText(event.currentTarget.value)
          try {
            onValue(event.currentTarget.value.trim() === '' ? undefined : (JSON.parse(event.currentTarget.value) as Json))
            setBad(false)
          } catch {
            setBad(true)
          }
        }}
      />
      {isBad && <small class="error">This is no JSON yet; the last that was is kept.</small>}
    </label>
  )
}

/** Sections of options. A secret is shown by its name, and cannot be typed over here. */
function Sections({ label, value, onValue, options }: { label: string; value: Body; onValue: (value: Json | undefined) => void; options: Option[] }) {
  const [section, setSection] = useState('')
  const [name, setName] = useState('')
  const set = (one: string, other: string, text: Json | undefined) => {
    const part = withField(isBody(value[one]) ? value[one] : {}, other, text)
    const sections = withField(value, one, Object.keys(part).length ? part : undefined)
    onValue(Object.keys(sections).length ? sections : undefined)
  }
  const rows = Object.entries(value).flatMap(([one, part]) => (isBody(part) ? Object.entries(part).map(([other, text]) => ({ one, other, text })) : []))
  const known = (one: string, other: string) => options.find((option) => option.section === one && option.name === other)
  const list = `${label}-names`
  return (
    <Group title={label}>
      {rows.map(({ one, other, text }) => (
        <div class="row" key={`${one} ${other}`}>
          {typeof text === 'string' ? (
            <Input label={`[${one}] ${other}`} value={text} onValue={(words) => set(one, other, words)} />
          ) : (
            <span>
              [{one}] {other} <code>{JSON.stringify(text)}</code>
            </span>
          )}
          <button type="button" class="danger" aria-label={`Remove [${one}] ${other}`} onClick={() => set(one, other, undefined)}>
            Remove
          </button>
          <small>{known(one, other)?.desc}</small>
        </div>
      ))}
      <datalist id={list}>
        {options
          .filter((option) => !section || option.section === section)
          .map((option) => (
            <option key={`${option.section} ${option.name}`} value={option.name}>
              [{option.section}] {option.desc}
            </option>
          ))}
      </datalist>
      <div class="row">
        <Input label={`Section of ${label}`} value={section} onValue={setSection} />
        <label class="field">
          <span>Option</span>
          <input value={name} list={list} autoComplete="off" onInput={(event) => setName(event.currentTarget.value)} />
        </label>
        <button
          type="button"
          aria-label={`Add to ${label}`}
          disabled={!section || !name}
          onClick={() => {
            set(section, name, known(section, name)?.default ?? '')
            setName('')
          }}
        >
          Add
        </button>
      </div>
    </Group>
  )
}
