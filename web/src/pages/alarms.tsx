// SPDX-License-Identifier: Apache-2.0
// Alarms (framework 9): the active ones live, the cleared ones by page; a person clears with a comment.

import { useState } from 'preact/hooks'
import type { PageProps } from '../main'
import { Action, ErrorText, Notice, Pager, Select, Table, useAsked, wordsOf } from '../parts'
import { useEvents } from '../rest'
import { timeOf } from '../words'

const PAGE = 50
const REFRESH_MS = 15000

export function AlarmsPage({ desktop }: PageProps) {
  const [state, setState] = useState('active')
  const [pages, setPages] = useState<number[]>([]) // where each page but the first begins
  const [said, setSaid] = useState('')
  const [fault, setFault] = useState('')
  const before = pages.at(-1)
  const { data, error, again } = useAsked(
    () => desktop.ask('control.ReadAlarms', { limit: PAGE, ...(state && { state: state as 'active' | 'cleared' }), ...(before && { before }) }),
    JSON.stringify([state, before]),
    REFRESH_MS,
  )
  const words = useEvents('/api/ctl/v1/alarms/events', { alarms: again, 'alarm-created': again, 'alarm-counted': again, 'alarm-deleted': again })
  const clear = async (id: number, condition: string) => {
    const comment = prompt(`Clear ${condition}. Why?`)
    if (comment === null) return
    try {
      await desktop.ask('control.ClearAlarm', { id, comment })
      setSaid(`${condition} is cleared.`)
      setFault('')
    } catch (error) {
      setFault(wordsOf(error))
    }
    again()
  }
  return (
    <>
      <h1>Alarms</h1>
      <Notice text={said} />
      <ErrorText text={fault || error || words} />
      <Select
        label="State"
        value={state}
        onValue={(value) => {
          setPages([])
          setState(value)
        }}
        choices={[['active', 'active'], ['cleared', 'cleared'], ['', 'any']]}
      />
      <Table
        caption="Alarms, the latest first"
        rows={data?.alarms}
        empty="There are none."
        columns={[
          { title: 'Raised', cell: (alarm) => timeOf(alarm.raised) },
          { title: 'Condition', cell: (alarm) => alarm.condition },
          { title: 'Category', cell: (alarm) => alarm.category },
          { title: 'Application', cell: (alarm) => alarm.application },
          { title: 'Host', cell: (alarm) => alarm.host },
          { title: 'Count', isNumber: true, cell: (alarm) => alarm.count },
          { title: 'Event', cell: (alarm) => [alarm.event, alarm.text].filter(Boolean).join(' ') },
          { title: 'Cleared', cell: (alarm) => [timeOf(alarm.cleared), alarm.clearedBy, alarm.comment].filter(Boolean).join(', ') },
          { title: '', cell: (alarm) => alarm.state === 'active' && <Action name="Clear" describe={`Clear ${alarm.condition} of ${alarm.application ?? ''}`} run={() => clear(alarm.id, alarm.condition)} /> },
        ]}
      />
      <Pager pages={pages} onPages={setPages} next={data?.more ? data.next : undefined} />
    </>
  )
}
