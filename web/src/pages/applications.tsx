// SPDX-License-Identifier: Apache-2.0
// What runs where (framework 6): hosts, solutions, applications, live, with orders; the figures that each application reports.

import { useRef, useState } from 'preact/hooks'
import type { PageProps } from '../main'
import type { ApplicationStatus, OrderApplication, OrderSolution } from '../messages'
import { Action, ErrorText, Facts, Notice, Select, Table, useAsked, wordsOf } from '../parts'
import { useEvents } from '../rest'
import { timeOf } from '../words'

const REFRESH_MS = 15000 // beside the events
const SAMPLE_MS = 5000
const LEVEL_S = 600

type Level = NonNullable<OrderApplication['level']>

export function ApplicationsPage(props: PageProps) {
  const [kind, name] = props.path
  if (kind === 'host' && name) return <HostPage key={name} {...props} host={name} />
  return name ? <OneApplication key={name} {...props} name={name} /> : <Status {...props} />
}

/** The state of everything, anew whenever something moves; several moves at once ask once. */
function useStatus(desktop: PageProps['desktop']) {
  const timer = useRef(0)
  const { data, error, again } = useAsked(() => desktop.ask('control.ReadStatus', {}), 'status', REFRESH_MS)
  const words = useEvents('/api/ctl/v1/status', {
    status: () => {
      window.clearTimeout(timer.current)
      timer.current = window.setTimeout(again, 100)
    },
  })
  return { data, error: error || words, again }
}

function Status({ desktop }: PageProps) {
  const { data, error, again } = useStatus(desktop)
  const [fault, setFault] = useState('')
  const order = (fields: OrderSolution) =>
    desktop.ask('control.OrderSolution', fields).then(
      () => {
        setFault('')
        again()
      },
      (error: unknown) => setFault(wordsOf(error)),
    )
  return (
    <>
      <h1>Applications</h1>
      <ErrorText text={fault || error} />
      <Table
        caption="Hosts"
        rows={data?.hosts}
        empty="No hosts are configured."
        columns={[
          { title: 'Host', cell: (host) => <a href={`#/applications/host/${encodeURIComponent(host.name)}`}>{host.name}</a> },
          { title: 'State', cell: (host) => host.state },
          { title: 'Since', cell: (host) => timeOf(host.since) },
          { title: 'Clock offset, ms', isNumber: true, cell: (host) => host.clockOffset },
          { title: 'Release', cell: (host) => host.build },
        ]}
      />
      <Table
        caption="Solutions"
        rows={data?.solutions}
        empty="No solutions are configured."
        columns={[
          { title: 'Solution', cell: (solution) => solution.name },
          { title: 'State', cell: (solution) => solution.state },
          { title: 'Why', cell: (solution) => solution.reason },
          { title: 'Applications', cell: (solution) => solution.components?.map((one) => one.name).join(', ') },
          {
            title: 'Orders',
            cell: (solution) => (
              <span class="actions">
                <Action name="Start" describe={`Start ${solution.name}`} run={() => order({ name: solution.name, order: 'start' })} />
                <Action name="Stop" describe={`Stop ${solution.name}`} kind="danger" run={() => order({ name: solution.name, order: 'stop-gracefully' })} />
              </span>
            ),
          },
        ]}
      />
      <Table
        caption="Applications"
        rows={data?.applications}
        empty="No applications run on a host of ours."
        columns={[
          { title: 'Application', cell: (one) => <a href={`#/applications/application/${encodeURIComponent(one.name)}`}>{one.name}</a> },
          { title: 'Type', cell: (one) => one.type },
          { title: 'Host', cell: (one) => one.host },
          { title: 'State', cell: (one) => one.state },
          { title: 'Since', cell: (one) => timeOf(one.since) },
          { title: 'Restarts', isNumber: true, cell: (one) => one.restarts },
          { title: 'Why', cell: (one) => one.reason },
        ]}
      />
    </>
  )
}

function OneApplication({ desktop, name }: PageProps & { name: string }) {
  const { data, error, again } = useStatus(desktop)
  const [level, setLevel] = useState<Level>('debug')
  const [said, setSaid] = useState('')
  const [fault, setFault] = useState('')
  const one: ApplicationStatus | undefined = data?.applications?.find((application) => application.name === name)
  const order = async (fields: Omit<OrderApplication, 'name'>, words: string) => {
    try {
      await desktop.ask('control.OrderApplication', { name, ...fields })
      setSaid(words)
      setFault('')
    } catch (error) {
      setSaid('')
      setFault(wordsOf(error))
    }
    again()
  }
  return (
    <>
      <h1>Application {name}</h1>
      <p class="actions">
        <a href="#/applications">All applications</a>
        <a href={`#/log/${encodeURIComponent(name)}`}>Its log</a>
        <a href={`#/metrics/${encodeURIComponent(name)}`}>Its figures as they grow</a>
        {one?.dbid && <a href={`#/objects/Application/${one.dbid}`}>Its configuration</a>}
      </p>
      <Notice text={said} />
      <ErrorText text={fault || error || (data && !one ? 'There is no such application, or you may not see it.' : '')} />
      <Facts
        facts={[
          ['State', one?.state],
          ['Mode', one?.mode],
          ['Since', timeOf(one?.since)],
          ['Host', one?.host],
          ['Process', one?.pid],
          ['Restarts', one?.restarts],
          ['Why', one?.reason],
        ]}
      />
      <p class="actions">
        <Action name="Start" kind="main" run={() => order({ order: 'start' }, 'The order was taken: start.')} />
        <Action name="Stop gracefully" run={() => order({ order: 'stop-gracefully' }, 'The order was taken: it finishes its work, then stops.')} />
        <Action name="Restart" run={() => order({ order: 'restart' }, 'The order was taken: restart.')} />
        <Action name="Stop" kind="danger" run={async () => confirm(`Stop ${name} at once?`) && order({ order: 'stop' }, 'The order was taken: stop.')} />
      </p>
      <div class="row">
        <Select
          label="Log level for ten minutes"
          value={level}
          onValue={(value) => setLevel(value as Level)}
          choices={['all', 'debug', 'trace', 'interaction', 'standard', 'none'].map((word): [string, string] => [word, word])}
        />
        <Action name="Set log level" run={() => order({ order: 'log-level', level, seconds: LEVEL_S }, `It logs at level ${level} for ten minutes.`)} />
      </div>
      <Table
        caption="Figures"
        rows={Object.entries(one?.custom ?? {})}
        empty="It reports no figures."
        columns={[
          { title: 'Name', cell: ([figure]) => figure },
          { title: 'Value', isNumber: true, cell: ([, value]) => String(value) },
        ]}
      />
    </>
  )
}

function mebibytes(bytes: number | undefined): string {
  return bytes === undefined ? '' : `${Math.round(bytes / 1048576).toLocaleString()} MiB`
}

function HostPage({ desktop, host }: PageProps & { host: string }) {
  const { data, error } = useAsked(() => desktop.ask('control.SampleHost', { host }), host, SAMPLE_MS)
  return (
    <>
      <h1>Host {host}</h1>
      <p>
        <a href="#/applications">All applications</a>
      </p>
      <ErrorText text={error} />
      <Facts
        facts={[
          ['Processors', data?.processors],
          ['In use', data?.cpu === undefined ? '' : `${Math.round(data.cpu * 100)} %`],
          ['Load', data?.load],
          ['Memory', mebibytes(data?.memory)],
          ['Memory free', mebibytes(data?.memoryFree)],
          ['Disk', mebibytes(data?.disk)],
          ['Disk free', mebibytes(data?.diskFree)],
          ['Clock offset', data?.clockOffset === undefined ? '' : `${data.clockOffset} ms`],
        ]}
      />
      <Table
        caption="Processes"
        rows={data?.processes}
        empty="None of our applications runs there."
        columns={[
          { title: 'Application', cell: (one) => one.name },
          { title: 'Process', isNumber: true, cell: (one) => one.pid },
          { title: 'CPU time, s', isNumber: true, cell: (one) => one.cpu?.toFixed(1) },
          { title: 'Memory', isNumber: true, cell: (one) => mebibytes(one.memory) },
          { title: 'Threads', isNumber: true, cell: (one) => one.threads },
        ]}
      />
    </>
  )
}
