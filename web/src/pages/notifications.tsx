// SPDX-License-Identifier: Apache-2.0
import { useState } from 'preact/hooks'
import type { PageProps } from '../main'
import type { NotificationList } from '../messages'
import { Action, ErrorText, Facts, Input, Notice, Pager, Select, Table, useAsked, wordsOf } from '../parts'
import { timeOf } from '../words'

const REFRESH_MS = 3000
type StateName = NonNullable<NotificationList['state']>

export function NotificationsPage(props: PageProps) {
  const guid = props.path[0]
  return guid ? <OneNotification key={guid} {...props} guid={guid} /> : <Ledger {...props} />
}

function Ledger({ desktop }: PageProps) {
  const [state, setState] = useState('')
  const [contains, setContains] = useState('')
  const [cursors, setCursors] = useState<string[]>([])
  const [said, setSaid] = useState('')
  const [fault, setFault] = useState('')
  const after = cursors.at(-1)
  const ask = () =>
    desktop.ask('outbound.NotificationList', { limit: 50, ...(state && { state: state as StateName }), ...(contains && { contains }), ...(after && { after }) })
  const { data, error, again } = useAsked(ask, JSON.stringify([state, contains, after]), REFRESH_MS)

  const replayFailed = async () => {
    if (!confirm(`Send all ${data?.failed ?? 0} failed notifications again?`)) return
    try {
      const reply = await desktop.ask('outbound.NotificationReplay', { state: 'failed' })
      setSaid(`${reply.replayed ?? 0} notifications wait to be sent again.`)
      setFault('')
    } catch (error) {
      setFault(wordsOf(error))
    }
    again()
  }
  return (
    <>
      <h1>Notifications</h1>
      <Facts
        facts={[
          ['Waiting', data?.waiting],
          ['Failed', data?.failed],
        ]}
      />
      <Notice text={said} />
      <ErrorText text={fault || error} />
      <div class="row">
        <Select
          label="State"
          value={state}
          onValue={(value) => {
            setCursors([])
            setState(value)
          }}
          choices={[['', 'any'], ['waiting', 'waiting'], ['sent', 'sent'], ['failed', 'failed']]}
        />
        <Input
          label="Contains"
          value={contains}
          onValue={(value) => {
            setCursors([])
            setContains(value)
          }}
        />
        <Action name="Replay all failed" isDisabled={!data?.failed} run={replayFailed} />
      </div>
      <Table
        caption="Ledger of notifications"
        rows={data?.notifications}
        empty="No notifications match."
        columns={[
          { title: 'Created', cell: (row) => timeOf(row.createdAt) },
          { title: 'What', cell: (row) => <a href={`#/notifications/${encodeURIComponent(row.guid ?? '')}`}>{row.summary || row.guid}</a> },
          { title: 'Kind', cell: (row) => row.kind },
          { title: 'Where', cell: (row) => row.url },
          { title: 'State', cell: (row) => row.state },
          { title: 'Sends', isNumber: true, cell: (row) => row.attempts },
          { title: 'Last answer', cell: (row) => row.words },
        ]}
      />
      <Pager pages={cursors} onPages={setCursors} next={data?.next || undefined} />
    </>
  )
}

function pretty(body: string | undefined): string {
  try {
    return JSON.stringify(JSON.parse(body ?? ''), null, 2)
  } catch {
    return body ?? ''
  }
}

function OneNotification({ desktop, guid }: PageProps & { guid: string }) {
  const { data, error, again } = useAsked(() => desktop.ask('outbound.NotificationGet', { guid }), guid, REFRESH_MS)
  const [said, setSaid] = useState('')
  const [fault, setFault] = useState('')
  const row = data?.row
  const replay = async () => {
    try {
      await desktop.ask('outbound.NotificationReplay', { guid })
      setSaid('It waits to be sent again.')
      setFault('')
    } catch (error) {
      setFault(wordsOf(error))
    }
    again()
  }
  return (
    <>
      <h1>Notification</h1>
      <p>
        <a href="#/notifications">All notifications</a>
      </p>
      <Notice text={said} />
      <ErrorText text={fault || error} />
      <Facts
        facts={[
          ['GSW_MESSAGE_GUID', guid],
          ['Kind', row?.kind],
          ['Where', row?.url],
          ['State', row?.state],
          ['Sends', row?.attempts],
          ['Created', timeOf(row?.createdAt)],
          ['Next send', row?.state === 'waiting' ? timeOf(row.dueAt) : ''],
          ['Sent', timeOf(row?.sentAt)],
          ['Last answer', row?.words],
        ]}
      />
      <p class="actions">
        <Action name="Replay" kind="main" isDisabled={!row || row.state === 'waiting'} run={replay} />
      </p>
      <h2>Headers</h2>
      <pre tabIndex={0}>{data?.headers}</pre>
      <h2>Body</h2>
      <pre tabIndex={0}>{pretty(data?.body)}</pre>
    </>
  )
}
