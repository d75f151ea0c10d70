// SPDX-License-Identifier: Apache-2.0
// The kept log records of all applications (framework 8.5).

import { useState } from 'preact/hooks'
import type { PageProps } from '../main'
import type { LogRow } from '../messages'
import { ErrorText, Input, Pager, Select, Table, useAsked } from '../parts'

const PAGE = 100
const LEVELS = ['', '', 'Trc', 'Int', 'Std', 'Alr'] // by priority

export function LogPage(props: PageProps) {
  return <Records key={props.path[0] ?? ''} {...props} />
}

type Level = 'trace' | 'interaction' | 'standard' | 'alarm'

function Records({ desktop, path }: PageProps) {
  const none = { application: path[0] ?? '', level: '', from: '', to: '', text: '', id: '', ixn: '' }
  const [wanted, setWanted] = useState(none)
  const [asked, setAsked] = useState(none)
  const [pages, setPages] = useState<number[]>([]) // where each page but the first begins
  const before = pages.at(-1)
  const ask = () => {
    const { level, from, to, ...words } = asked
    return desktop.ask('control.ReadLog', {
      limit: PAGE,
      ...Object.fromEntries(Object.entries(words).filter(([, word]) => word)),
      ...(level && { level: level as Level }),
      ...(from && { from: new Date(from).getTime() }),
      ...(to && { to: new Date(to).getTime() }),
      ...(before && { before }),
    })
  }
  const { data, error } = useAsked(ask, JSON.stringify([asked, before]))
  return (
    <>
      <h1>Log</h1>
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault()
          setPages([])
          setAsked({ ...wanted })
        }}
      >
        <Input label="Application" value={wanted.application} onValue={(application) => setWanted({ ...wanted, application })} />
        <Select
          label="Level, and above"
          value={wanted.level}
          onValue={(level) => setWanted({ ...wanted, level })}
          choices={[['', 'any'], ['trace', 'trace'], ['interaction', 'interaction'], ['standard', 'standard'], ['alarm', 'alarm']]}
        />
        <Input label="From" type="datetime-local" value={wanted.from} onValue={(from) => setWanted({ ...wanted, from })} />
        <Input label="To" type="datetime-local" value={wanted.to} onValue={(to) => setWanted({ ...wanted, to })} />
        <Input label="Text" value={wanted.text} onValue={(text) => setWanted({ ...wanted, text })} />
        <Input label="Event" value={wanted.id} onValue={(id) => setWanted({ ...wanted, id })} />
        <Input label="Interaction" value={wanted.ixn} onValue={(ixn) => setWanted({ ...wanted, ixn })} />
        <button>Search</button>
      </form>
      <ErrorText text={error} />
      <Table
        caption="Records, the latest first"
        rows={data?.rows}
        empty="No records match."
        columns={[
          { title: 'Time', cell: (row) => new Date(row.record.time / 1000).toLocaleString(undefined, { dateStyle: 'short', timeStyle: 'medium' }) },
          { title: 'Application', cell: (row) => row.application },
          { title: 'Level', cell: (row) => LEVELS[row.record.priority] },
          { title: 'Event', cell: (row) => row.record.id },
          { title: 'Text', cell: (row) => row.record.text },
          { title: 'More', cell: (row) => more(row) },
        ]}
      />
      <Pager pages={pages} onPages={setPages} next={data?.more ? data.next : undefined} />
    </>
  )
}

function more(row: LogRow): string {
  const pairs = Object.entries(row.record.attributes ?? {}).map(([name, value]) => `${name}=${String(value)}`)
  return [row.record.category === 2 && 'audit', row.record.ixn, ...pairs].filter(Boolean).join(' ')
}
