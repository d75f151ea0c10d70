// SPDX-License-Identifier: Apache-2.0
// An agent's previews: ask for a record, work on it, finish it. Enter on "Next record" and Ctrl+Enter in the form are enough.

import { useEffect, useRef, useState } from 'preact/hooks'
import type { Desktop } from '../desktop'
import type { PageProps } from '../main'
import type { CampaignStatus, ChainedRecords, PreviewRecord } from '../messages'
import { Action, ErrorText, Facts, Input, Notice, Select, Table, useAsked, wordsOf } from '../parts'
import { AGENT_RESULTS, CALL_RESULTS, PREVIEW, RECORD_TYPES, nameOf, timeOfDay } from '../words'

const CAMPAIGNS_MS = 5000

const isUserField = (name: string) => !name.startsWith('GSW_') && name !== 'InteractionType' && name !== 'InteractionSubtype'

function userFields(record: PreviewRecord): Record<string, string> {
  const fields = Object.entries(record as Record<string, unknown>).filter(([name]) => isUserField(name))
  return Object.fromEntries(fields.map(([name, value]) => [name, String(value ?? '')]))
}

export function AgentPage({ desktop, session }: PageProps) {
  const agent = session.person.employeeId
  const [records, setRecords] = useState<PreviewRecord[]>([])
  const [said, setSaid] = useState('')
  const [error, setError] = useState('')
  const next = useRef<HTMLDivElement>(null)
  const campaigns = useAsked(() => desktop.ask('outbound.CampaignStatus', { GSW_AGENT_ID: agent }), agent, CAMPAIGNS_MS)
  const started = (campaigns.data?.Campaigns ?? []).filter((group) => group.GSW_STATE === 'started' && group.GSW_DIAL_MODE === PREVIEW)

  const remove = (handle: number | undefined) => setRecords((all) => all.filter((one) => one.GSW_RECORD_HANDLE !== handle))
  const add = (record: PreviewRecord) => setRecords((all) => [...all.filter((one) => one.GSW_RECORD_HANDLE !== record.GSW_RECORD_HANDLE), record])

  useEffect(() => {
    desktop.ask('outbound.DesktopSnapshot', { GSW_AGENT_ID: agent }).then(
      (snapshot) => setRecords(snapshot.Records ?? []),
      (fault: unknown) => setError(wordsOf(fault)),
    )
    const ends = [
      desktop.on('Snapshot', (snapshot) => setRecords(snapshot.Records ?? [])),
      desktop.on('ScheduledCall', (record) => {
        add(record)
        setSaid(`A call-back is due: ${record.GSW_PHONE}`)
      }),
      desktop.on('RecordCancelNotification', (cancelled) => {
        remove(cancelled.GSW_RECORD_HANDLE)
        setSaid(`A record was withdrawn: ${nameOf(CALL_RESULTS, cancelled.GSW_CALL_RESULT)}.`)
      }),
      desktop.on('CampaignStarted', campaigns.again),
      desktop.on('CampaignStopped', campaigns.again),
    ]
    return () => ends.forEach((end) => end())
  }, [desktop])

  const ask = async (group: CampaignStatus) => {
    try {
      add(await desktop.ask('outbound.PreviewRecordRequest', { GSW_AGENT_ID: agent, GSW_CAMPAIGN_GROUP_DBID: group.GSW_CAMPAIGN_GROUP_DBID }))
      setSaid('')
      setError('')
    } catch (fault) {
      setError(wordsOf(fault))
    }
  }
  const onDone = (record: PreviewRecord, words: string) => {
    remove(record.GSW_RECORD_HANDLE)
    setSaid(`${record.GSW_PHONE}: ${words}`)
    setError('')
    // The next Enter asks for the next record.
    requestAnimationFrame(() => next.current?.querySelector('button')?.focus())
  }
  return (
    <>
      <h1>My records</h1>
      <Notice text={said} />
      <ErrorText text={error || campaigns.error} />
      <div class="actions" ref={next}>
        {started.map((group) => (
          <Action
            key={group.GSW_CAMPAIGN_GROUP_DBID}
            name={started.length === 1 ? 'Next record' : `Next record of ${group.GSW_CAMPAIGN_GROUP_NAME}`}
            kind="main"
            run={() => ask(group)}
          />
        ))}
        {campaigns.data && started.length === 0 && <p>No campaign of yours is started in preview mode.</p>}
      </div>
      {records.map((record) =>
        record.GSW_IS_WAITING ? (
          <WaitingRecord key={`waiting ${record.GSW_RECORD_HANDLE}`} record={record} />
        ) : (
          <Record key={record.GSW_RECORD_HANDLE} desktop={desktop} agent={agent} record={record} onDone={(words) => onDone(record, words)} />
        ),
      )}
    </>
  )
}

// Hers, but nothing else is known of it now: a Snapshot follows when its list is back.
function WaitingRecord({ record }: { record: PreviewRecord }) {
  return (
    <section class="record" aria-label={`Record ${record.GSW_RECORD_HANDLE} waits`}>
      <h2>A record of {record.GSW_CALLING_LIST}</h2>
      <p>It is yours. Its calling list’s database does not answer; the record comes back by itself when it does.</p>
    </section>
  )
}

function Record({ desktop, agent, record, onDone }: { desktop: Desktop; agent: string; record: PreviewRecord; onDone: (words: string) => void }) {
  const [fields, setFields] = useState(() => userFields(record))
  const [result, setResult] = useState(String(AGENT_RESULTS[0]))
  const [after, setAfter] = useState('')
  const [disposition, setDisposition] = useState('')
  const [date, setDate] = useState('')
  const [isPersonal, setPersonal] = useState('Campaign')
  const [chain, setChain] = useState<ChainedRecords | null>(null)
  const [error, setError] = useState('')
  const form = useRef<HTMLFormElement>(null)
  const handle = { GSW_RECORD_HANDLE: record.GSW_RECORD_HANDLE ?? 0, GSW_AGENT_ID: agent }
  useEffect(() => form.current?.querySelector('select')?.focus(), [])

  const trying = async (deed: () => Promise<string>) => {
    try {
      onDone(await deed())
    } catch (fault) {
      setError(wordsOf(fault))
    }
  }
  const changed = () => {
    const before = userFields(record)
    return Object.fromEntries(Object.entries(fields).filter(([name, value]) => value !== before[name]))
  }
  const finish = (callResult: number) =>
    desktop.ask('outbound.RecordProcessed', {
      ...handle,
      ...changed(),
      GSW_CALL_RESULT: callResult,
      ...(after && { GSW_TREATMENT: after as 'RecordTreatPersonal' | 'RecordTreatCampaign' }),
      ...(disposition && { GSW_DISPOSITION_CODE: disposition }),
    })
  const finished = () => trying(async () => (await finish(Number(result)), `finished, ${nameOf(CALL_RESULTS, Number(result))}.`))
  const callBack = () =>
    trying(async () => {
      if (!date) throw new Error('Choose when to call back.')
      const [year, month, day, time] = date.split(/[-T]/)
      const reply = await desktop.ask('outbound.RecordReschedule', {
        ...handle,
        GSW_DATE_TIME: `${month}/${day}/${year} ${time}`,
        GSW_CALLBACK_TYPE: isPersonal as 'Personal' | 'Campaign',
      })
      await finish(Number(result))
      return `call-back at ${reply.GSW_DATE_TIME ?? date}.`
    })
  const reject = () => trying(async () => (await desktop.ask('outbound.RecordReject', handle), 'given back.'))
  const doNotCall = () => trying(async () => (await desktop.ask('outbound.DoNotCall', handle), 'will never be called again.'))
  const cancel = () => trying(async () => (await desktop.ask('outbound.RequestRecordCancel', handle), 'cancelled.'))
  const others = async () => {
    try {
      setChain(await desktop.ask('outbound.ChainedRecordRequest', handle))
    } catch (fault) {
      setError(wordsOf(fault))
    }
  }
  return (
    <section class="record" aria-label={`Record ${record.GSW_PHONE ?? ''}`}>
      <h2>{record.GSW_PHONE}</h2>
      <Facts
        facts={[
          ['Customer', record.GSW_CUSTOMER_ID],
          ['Campaign', record.GSW_CAMPAIGN_NAME],
          ['List', record.GSW_CALLING_LIST],
          ['Type', nameOf(RECORD_TYPES, record.GSW_RECORD_TYPE)],
          ['Last result', nameOf(CALL_RESULTS, record.GSW_CALL_RESULT)],
          ['Attempts', record.GSW_ATTEMPTS],
          ['Hours', `${timeOfDay(record.GSW_FROM)} to ${timeOfDay(record.GSW_UNTIL)} ${record.GSW_TZ_NAME ?? ''}`],
          ['Scheduled', record.GSW_DATE_TIME],
        ]}
      />
      <form
        ref={form}
        onSubmit={(event) => {
          event.preventDefault()
          void finished()
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && event.ctrlKey) void finished()
        }}
      >
        <div class="row">
          <Select label="Result" value={result} onValue={setResult} choices={AGENT_RESULTS.map((one): [string, string] => [String(one), nameOf(CALL_RESULTS, one)])} />
          <Select
            label="Afterwards"
            value={after}
            onValue={setAfter}
            choices={[
              ['', 'finished'],
              ['RecordTreatCampaign', 'as the list says for this result'],
              ['RecordTreatPersonal', 'the same, for me'],
            ]}
          />
          <Input label="Disposition code" value={disposition} onValue={setDisposition} maxLength={255} />
        </div>
        <div class="row">
          {Object.entries(fields).map(([name, value]) => (
            <Input key={name} label={name} value={value} maxLength={4096} onValue={(fresh) => setFields({ ...fields, [name]: fresh })} />
          ))}
        </div>
        <ErrorText text={error} />
        <p class="actions">
          <button class="main" aria-keyshortcuts="Control+Enter">
            Finish
          </button>
          <Action name="Give back" run={reject} />
          <Action name="Do not call" kind="danger" run={doNotCall} />
          <Action name="Cancel record" kind="danger" run={cancel} />
          <Action name="Other numbers" run={others} />
        </p>
        <fieldset class="row">
          <legend>Call back ({record.GSW_TZ_NAME ?? 'contact’s'} time)</legend>
          <Input label="When" type="datetime-local" value={date} onValue={setDate} />
          <Select label="By" value={isPersonal} onValue={setPersonal} choices={[['Campaign', 'any agent'], ['Personal', 'me']]} />
          <Action name="Call back" run={callBack} />
        </fieldset>
      </form>
      {chain && (
        <Table
          caption="Other numbers of this customer"
          rows={chain.Records ?? []}
          empty="There are none."
          columns={[
            { title: 'N', isNumber: true, cell: (one) => one.GSW_CHAIN_N },
            { title: 'Phone', cell: (one) => one.GSW_PHONE },
            { title: 'Last result', cell: (one) => nameOf(CALL_RESULTS, one.GSW_CALL_RESULT) },
            { title: 'Attempts', isNumber: true, cell: (one) => one.GSW_ATTEMPTS },
          ]}
        />
      )}
    </section>
  )
}
