// SPDX-License-Identifier: Apache-2.0
// What hosts, processes and servers count (framework 5, 8, 9): now, and how fast it grows. The same figures, for programs, are
// on /metrics of each host's supervisor.

import { useRef, useState } from 'preact/hooks'
import type { PageProps } from '../main'
import { FIGURES, type ApplicationStatus, type HostSample } from '../messages'
import { ErrorText, Input, Select, Table, useAsked, wordsOf } from '../parts'

const REFRESH_MS = 10000
const WINDOW_MS = 60000 // rates are over what was seen of the last minute

interface Seen {
  at: number
  values: Map<string, number>
}

interface Reading {
  at: number
  applications: ApplicationStatus[]
  samples: HostSample[]
  refusals: string[]
}

interface Figure {
  application: string
  name: string
  value: unknown
}

/** Everything that the person may see; a host that is away, or not hers, is told beside the rest. */
async function read(desktop: PageProps['desktop']): Promise<Reading> {
  const status = await desktop.ask('control.ReadStatus', {})
  const hosts = (status.hosts ?? []).filter((host) => host.state === 'running')
  const answers = await Promise.allSettled(hosts.map((host) => desktop.ask('control.SampleHost', { host: host.name })))
  const reading: Reading = { at: Date.now(), applications: status.applications ?? [], samples: [], refusals: [] }
  answers.forEach((answer, index) => {
    if (answer.status === 'fulfilled') reading.samples.push(answer.value)
    else reading.refusals.push(`${hosts[index]?.name}: ${wordsOf(answer.reason)}`)
  })
  return reading
}

/** All that grows, by a key that tells a process from the one before it. */
function sums(reading: Reading): Map<string, number> {
  const values = new Map<string, number>()
  for (const one of reading.applications)
    for (const [name, value] of Object.entries(one.custom ?? {}))
      if (typeof value === 'number') values.set(`${one.name}/${one.pid}/${name}`, value)
  for (const sample of reading.samples)
    for (const one of sample.processes ?? []) if (one.cpu !== undefined) values.set(`${sample.host}/${one.name}/${one.pid}`, one.cpu)
  return values
}

/** Per second since the oldest time that it was seen in the window; undefined: seen once. */
function useRates(reading: Reading | null) {
  const seen = useRef<Seen[]>([])
  const last = seen.current[seen.current.length - 1]
  if (reading && last?.at !== reading.at)
    seen.current = [...seen.current.filter((one) => one.at > reading.at - WINDOW_MS), { at: reading.at, values: sums(reading) }]
  return (key: string, value: number): number | undefined => {
    const first = seen.current.find((one) => one.values.has(key))
    if (!reading || !first || first.at >= reading.at) return undefined
    return (value - (first.values.get(key) ?? value)) / ((reading.at - first.at) / 1000)
  }
}

function mebibytes(bytes: number | undefined): string {
  return bytes === undefined ? '' : `${Math.round(bytes / 1048576).toLocaleString()} MiB`
}

function percent(share: number | undefined): string {
  return share === undefined ? '' : `${(share * 100).toFixed(1)} %`
}

function figuresOf(reading: Reading | null, application: string, part: string): Figure[] | undefined {
  const wanted = part.trim().toLowerCase()
  return reading?.applications
    .filter((one) => !application || one.name === application)
    .flatMap((one) => Object.entries(one.custom ?? {}).map(([name, value]) => ({ application: one.name, name, value })))
    .filter((one) => one.name.includes(wanted) || FIGURES[one.name]?.help.toLowerCase().includes(wanted))
}

export function MetricsPage({ desktop, path }: PageProps) {
  const [application, setApplication] = useState(path[0] ?? '')
  const [part, setPart] = useState('')
  const { data, error } = useAsked(() => read(desktop), 'metrics', REFRESH_MS)
  const rate = useRates(data)
  const pids = new Map(data?.applications.map((one) => [one.name, one.pid]))
  const growth = (one: Figure) => {
    if (FIGURES[one.name]?.kind !== 'counter' || typeof one.value !== 'number') return ''
    return rate(`${one.application}/${pids.get(one.application)}/${one.name}`, one.value)?.toFixed(2)
  }
  const names = data?.applications.map((one) => one.name) ?? []
  const processes = data?.samples.flatMap((sample) => (sample.processes ?? []).map((one) => ({ ...one, host: sample.host })))
  return (
    <>
      <h1>Metrics</h1>
      <ErrorText text={error || (data?.refusals ?? []).join(' ')} />
      <Table
        caption="Hosts"
        rows={data?.samples}
        empty="No host is heard of, or you may see none."
        columns={[
          { title: 'Host', cell: (host) => <a href={`#/applications/host/${encodeURIComponent(host.host)}`}>{host.host}</a> },
          { title: 'Processors', isNumber: true, cell: (host) => host.processors },
          { title: 'In use', isNumber: true, cell: (host) => percent(host.cpu) },
          { title: 'Load', isNumber: true, cell: (host) => host.load },
          { title: 'Memory', isNumber: true, cell: (host) => mebibytes(host.memory) },
          { title: 'Memory free', isNumber: true, cell: (host) => mebibytes(host.memoryFree) },
          { title: 'Disk', isNumber: true, cell: (host) => mebibytes(host.disk) },
          { title: 'Disk free', isNumber: true, cell: (host) => mebibytes(host.diskFree) },
        ]}
      />
      <Table
        caption="Processes"
        rows={processes}
        empty="None of our applications runs there."
        columns={[
          { title: 'Application', cell: (one) => <a href={`#/applications/application/${encodeURIComponent(one.name)}`}>{one.name}</a> },
          { title: 'Host', cell: (one) => one.host },
          { title: 'Of one processor', isNumber: true, cell: (one) => percent(one.cpu === undefined ? undefined : rate(`${one.host}/${one.name}/${one.pid}`, one.cpu)) },
          { title: 'Memory', isNumber: true, cell: (one) => mebibytes(one.memory) },
          { title: 'Threads', isNumber: true, cell: (one) => one.threads },
        ]}
      />
      <div class="row">
        <Select label="Application" value={application} onValue={setApplication} choices={[['', 'all'], ...names.map((name): [string, string] => [name, name])]} />
        <Input label="Figures that contain" value={part} onValue={setPart} />
      </div>
      <Table
        caption="Figures"
        rows={figuresOf(data, application, part)}
        empty="No such figure is reported."
        columns={[
          { title: 'Application', cell: (one) => one.application },
          { title: 'Figure', cell: (one) => one.name },
          { title: 'What it counts', cell: (one) => FIGURES[one.name]?.help },
          { title: 'Value', isNumber: true, cell: (one) => (typeof one.value === 'number' ? one.value.toLocaleString() : String(one.value)) },
          { title: 'Per second', isNumber: true, cell: growth },
        ]}
      />
    </>
  )
}
