// SPDX-License-Identifier: Apache-2.0
// Who changed what (framework 3.6), and the way back: a revision is undone by a new one, whose plan is shown first.

import { useState } from 'preact/hooks'
import type { PageProps } from '../main'
import type { PlanItem } from '../messages'
import { Action, ErrorText, Input, Moves, Notice, Pager, Table, useAsked, wordsOf } from '../parts'
import { timeOf } from '../words'
import { PlanTable } from './apply'

const PAGE = 50

export function HistoryPage(props: PageProps) {
  return <Rows key={props.path.join('/')} {...props} />
}

function Rows({ desktop, path }: PageProps) {
  const none = { person: '', type: path[0] ?? '', key: path[1] ?? '' }
  const [wanted, setWanted] = useState(none)
  const [asked, setAsked] = useState(none)
  const [cursors, setCursors] = useState<string[]>([])
  const [undo, setUndo] = useState(0)
  const before = cursors.at(-1)
  const given = Object.fromEntries(Object.entries(asked).filter(([, word]) => word))
  const { data, error, again } = useAsked(() => desktop.ask('config.ReadHistory', { limit: PAGE, ...given, ...(before && { before }) }), JSON.stringify([asked, before]))
  return (
    <>
      <h1>History</h1>
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault()
          setCursors([])
          setAsked(wanted)
        }}
      >
        <Input label="Person" value={wanted.person} onValue={(person) => setWanted({ ...wanted, person })} />
        <Input label="Object type" value={wanted.type} onValue={(type) => setWanted({ ...wanted, type })} />
        <Input label="Key or DBID" value={wanted.key} onValue={(key) => setWanted({ ...wanted, key })} />
        <button>Search</button>
      </form>
      <ErrorText text={error} />
      {undo > 0 && (
        <UndoPlan
          key={undo}
          desktop={desktop}
          rev={undo}
          onEnd={() => {
            setUndo(0)
            again()
          }}
        />
      )}
      <Table
        caption="Changes, the latest first"
        rows={data?.rows}
        empty="Nothing was changed."
        columns={[
          { title: 'Revision', isNumber: true, cell: (row) => row.rev || '' },
          { title: 'Time', cell: (row) => timeOf(row.time) },
          { title: 'Who', cell: (row) => [row.person, row.application, row.address].filter(Boolean).join(', ') },
          { title: 'What', cell: (row) => [row.op, row.type, row.key].filter(Boolean).join(' ') },
          { title: 'Properties', cell: (row) => <Moves properties={row.properties} /> },
          { title: 'Comment', cell: (row) => row.comment },
          { title: '', cell: (row) => row.rev > 0 && <Action name="Undo" describe={`Undo revision ${row.rev}`} run={async () => setUndo(row.rev)} /> },
        ]}
      />
      <Pager pages={cursors} onPages={setCursors} next={data?.before || undefined} />
    </>
  )
}

function UndoPlan({ desktop, rev, onEnd }: Pick<PageProps, 'desktop'> & { rev: number; onEnd: () => void }) {
  const { data, error } = useAsked(() => desktop.ask('config.Undo', { rev, plan: true }), String(rev))
  const [said, setSaid] = useState('')
  const [fault, setFault] = useState('')
  const items: PlanItem[] | undefined = data?.items
  const carryOut = async () => {
    try {
      const done = await desktop.ask('config.Undo', { rev, comment: `Undo of revision ${rev}` })
      setSaid(`Revision ${done.rev} takes back revision ${rev}.`)
      setFault('')
    } catch (error) {
      setFault(wordsOf(error))
    }
  }
  return (
    <section aria-label={`Undo of revision ${rev}`}>
      <h2>Undo of revision {rev}</h2>
      <Notice text={said} />
      <ErrorText text={fault || error} />
      {items && <PlanTable items={items} />}
      <p class="actions">
        <Action name="Carry out" kind="main" isDisabled={!items || said !== ''} run={carryOut} />
        <Action name="Close" run={async () => onEnd()} />
      </p>
    </section>
  )
}
