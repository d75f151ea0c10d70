// SPDX-License-Identifier: Apache-2.0
import { useState } from 'preact/hooks'
import type { PageProps } from '../main'
import { Action, ErrorText, Facts, Notice, Table, useAsked, wordsOf } from '../parts'
import { CALL_RESULTS, RECORD_STATUSES, RECORD_TYPES, nameOf, timeOf, timeOfDay } from '../words'

export function ChainPage({ desktop, path }: PageProps) {
  const [list = '', id = ''] = path
  const chainId = Number(id)
  const key = path.join('/')
  const { data, error, again } = useAsked(() => desktop.ask('outbound.ChainGet', { list, chainId }), key, 5000)
  const reasons = useAsked(() => desktop.ask('outbound.ExplainList', { list, chainId }), key, 10000)
  const [said, setSaid] = useState('')
  const [fault, setFault] = useState('')
  const first = data?.records?.[0]

  const settle = async (name: 'DoNotCall' | 'RequestRecordCancel', words: string) => {
    if (!first?.phone || !confirm(`${words} ${first.phone}?`)) return
    try {
      const reply = await desktop.ask(`outbound.${name}`, { GSW_PHONE: first.phone, GSW_CHAIN_ATTR: 'AllChain' })
      setSaid(`${reply.GSW_RECORDS ?? 0} records changed.`)
      setFault('')
    } catch (error) {
      setFault(wordsOf(error))
    }
    again()
    reasons.again()
  }
  return (
    <>
      <h1>Chain {id}</h1>
      <p>
        <a href={`#/lists/${encodeURIComponent(list)}`}>List {list}</a>
      </p>
      <Notice text={said} />
      <ErrorText text={fault || error} />
      <p class="actions">
        <Action name="Do not call" kind="danger" isDisabled={!first} run={() => settle('DoNotCall', 'Never call again')} />
        <Action name="Cancel" kind="danger" isDisabled={!first} run={() => settle('RequestRecordCancel', 'Cancel all records of')} />
      </p>
      {data?.records?.map((row) => (
        <section key={row.chainN}>
          <h2>
            Record {row.chainN}: {row.phone}
          </h2>
          <Facts
            facts={[
              ['Type', nameOf(RECORD_TYPES, row.recordType)],
              ['Status', nameOf(RECORD_STATUSES, row.recordStatus)],
              ['Result', nameOf(CALL_RESULTS, row.callResult)],
              ['Attempts', row.attempts],
              ['Scheduled', timeOf((row.scheduledTime ?? 0) * 1000)],
              ['Last call', timeOf((row.callTime ?? 0) * 1000)],
              ['Hours', `${timeOfDay(row.from)} to ${timeOfDay(row.until)} ${row.timeZone ?? ''}`],
              ['Agent', row.agentId],
              ['Treatments', row.treatments],
              ...Object.entries(row.UserData ?? {}).map(([name, value]): [string, string] => [name, String(value)]),
            ]}
          />
        </section>
      ))}
      <Table
        caption="Rounds"
        rows={data?.rounds}
        empty="No agent has had it yet, or it is longer ago than a day."
        columns={[
          { title: 'Began', cell: (round) => timeOf(round.startedAt) },
          { title: 'Ended', cell: (round) => timeOf(round.finishedAt) || 'in progress' },
          { title: 'Agent', cell: (round) => round.agentId },
          { title: 'Campaign group', cell: (round) => round.campaignGroup },
          {
            title: 'Notification',
            cell: (round) => round.messageGuid && <a href={`#/notifications/${encodeURIComponent(round.messageGuid)}`}>{round.messageGuid}</a>,
          },
        ]}
      />
      <ErrorText text={reasons.error} />
      <Table
        caption="Why it was, or was not, given out"
        rows={reasons.data?.lines}
        empty="Nothing is known."
        columns={[
          { title: 'When', cell: (line) => (line.isNow ? 'now' : timeOf(line.at)) },
          { title: 'Record', isNumber: true, cell: (line) => line.chainN },
          { title: 'Rule', cell: (line) => line.rule },
          { title: 'Saw', cell: (line) => line.inputs },
          { title: 'Decided', cell: (line) => line.outcome },
        ]}
      />
    </>
  )
}
