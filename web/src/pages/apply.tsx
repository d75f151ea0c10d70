// SPDX-License-Identifier: Apache-2.0
// A configuration file (framework 3.2): its plan, then, on the revision that was planned for, its application.

import { useState } from 'preact/hooks'
import type { PageProps } from '../main'
import type { PlanDone, PlanItem } from '../messages'
import { Action, ErrorText, Moves, Notice, Select, Table, wordsOf } from '../parts'

type Mode = 'merge' | 'sync' | 'create-only'

export function ApplyPage({ desktop }: PageProps) {
  const [text, setText] = useState('')
  const [mode, setMode] = useState<Mode>('merge')
  const [plan, setPlan] = useState<PlanDone | null>(null)
  const [said, setSaid] = useState('')
  const [fault, setFault] = useState('')
  const attempt = async (run: () => Promise<void>) => {
    setSaid('')
    await run().then(
      () => setFault(''),
      (error: unknown) => setFault(wordsOf(error)),
    )
  }
  const change = (deed: () => void) => {
    setPlan(null)
    deed()
  }
  const items = plan?.items?.filter((item) => item.op !== 'unchanged')
  return (
    <>
      <h1>Configuration file</h1>
      <p>
        <a href="#/objects">All objects</a>
      </p>
      <label class="field">
        <span>File, JSON with comments</span>
        <textarea rows={16} value={text} spellcheck={false} onInput={(event) => change(() => setText(event.currentTarget.value))} />
      </label>
      <div class="row">
        <Select
          label="Mode"
          value={mode}
          onValue={(value) => change(() => setMode(value as Mode))}
          choices={[['merge', 'create and update'], ['sync', 'and delete what the file lacks'], ['create-only', 'create only']]}
        />
        <Action name="Plan" isDisabled={!text.trim()} run={() => attempt(async () => setPlan(await desktop.ask('config.Plan', { text, mode, overwrite: true })))} />
        <Action
          name="Apply"
          kind="main"
          isDisabled={!plan || items?.length === 0}
          run={() =>
            attempt(async () => {
              if (!plan) return
              const done = await desktop.ask('config.Apply', { text, mode, overwrite: true, rev: plan.rev })
              setSaid(`Revision ${done.rev}: ${done.created ?? 0} created, ${done.updated ?? 0} updated, ${done.deleted ?? 0} deleted.`)
              setPlan(null)
            })
          }
        />
      </div>
      <Notice text={said} />
      <ErrorText text={fault} />
      {plan?.warnings?.map((words) => <p key={words}>{words}</p>)}
      {plan && <PlanTable items={items ?? []} />}
    </>
  )
}

export function PlanTable({ items }: { items: PlanItem[] }) {
  return (
    <Table
      caption="Plan"
      rows={items}
      empty="Nothing would change."
      columns={[
        { title: 'What', cell: (item) => item.op },
        { title: 'Object', cell: (item) => [item.type, item.tenant, item.key].filter(Boolean).join(' ') },
        { title: 'Properties', cell: (item) => <Moves properties={item.properties} /> },
      ]}
    />
  )
}
