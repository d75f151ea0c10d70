// SPDX-License-Identifier: Apache-2.0
// The console: log-in, then the pages that the person may see. Pages are chosen by the address's hash.

import { render } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Desktop, type State } from './desktop'
import { AgentPage } from './pages/agent'
import { AlarmsPage } from './pages/alarms'
import { ApplicationsPage } from './pages/applications'
import { ApplyPage } from './pages/apply'
import { CampaignsPage } from './pages/campaigns'
import { ChainPage } from './pages/chain'
import { HistoryPage } from './pages/history'
import { ImportsPage } from './pages/imports'
import { ListsPage } from './pages/lists'
import { LogPage } from './pages/log'
import { LogInPage, PasswordPage } from './pages/log_in'
import { MetricsPage } from './pages/metrics'
import { NotificationsPage } from './pages/notifications'
import { ObjectsPage } from './pages/objects'
import { ErrorText, wordsOf } from './parts'
import { logOut, present, type Session } from './session'
import './style.css'

interface Page {
  path: string
  name: string
  show: (props: PageProps) => preact.JSX.Element
  isFor: (session: Session) => boolean
}

export interface PageProps {
  desktop: Desktop
  session: Session
  path: string[] // behind the page's own part, decoded
}

const isAdministrator = (session: Session) => session.person.access === 'administrator'

const PAGES: Page[] = [
  { path: 'agent', name: 'My records', show: AgentPage, isFor: (session) => session.person.isAgent },
  { path: 'campaigns', name: 'Campaigns', show: CampaignsPage, isFor: isAdministrator },
  { path: 'lists', name: 'Lists', show: ListsPage, isFor: isAdministrator },
  { path: 'chain', name: '', show: ChainPage, isFor: isAdministrator },
  { path: 'notifications', name: 'Notifications', show: NotificationsPage, isFor: isAdministrator },
  { path: 'imports', name: 'Imports', show: ImportsPage, isFor: isAdministrator },
  { path: 'applications', name: 'Applications', show: ApplicationsPage, isFor: isAdministrator },
  { path: 'alarms', name: 'Alarms', show: AlarmsPage, isFor: isAdministrator },
  { path: 'metrics', name: 'Metrics', show: MetricsPage, isFor: isAdministrator },
  { path: 'log', name: 'Log', show: LogPage, isFor: isAdministrator },
  { path: 'objects', name: 'Objects', show: ObjectsPage, isFor: isAdministrator },
  { path: 'apply', name: '', show: ApplyPage, isFor: isAdministrator },
  { path: 'history', name: 'History', show: HistoryPage, isFor: isAdministrator },
]

function pathOfHash(): string[] {
  try {
    return location.hash.replace(/^#\/?/, '').split('/').filter(Boolean).map(decodeURIComponent)
  } catch {
    return []
  }
}

function usePath(): string[] {
  const [path, setPath] = useState(pathOfHash)
  useEffect(() => {
    const listen = () => setPath(pathOfHash())
    addEventListener('hashchange', listen)
    return () => removeEventListener('hashchange', listen)
  }, [])
  return path
}

const STATE_WORDS: Record<State, string> = { connecting: 'Connecting again…', up: 'Connected', ended: 'The session has ended' }

function Shell({ session, onEnd }: { session: Session; onEnd: () => void }) {
  const path = usePath()
  const [state, setState] = useState<State>('connecting')
  const [desktop] = useState(() => new Desktop())
  useEffect(() => {
    desktop.onState = setState
    desktop.start()
    return () => desktop.stop()
  }, [])
  useEffect(() => {
    if (state === 'ended') onEnd()
  }, [state])
  const pages = PAGES.filter((page) => page.isFor(session))
  const page = pages.find((one) => one.path === path[0]) ?? pages[0]
  const name = [session.person.firstName, session.person.lastName].filter(Boolean).join(' ') || session.person.userName
  useEffect(() => {
    document.title = page?.name ? `${page.name} – Carillon` : 'Carillon'
    document.getElementById('content')?.focus()
  }, [page?.path])
  return (
    <>
      <a class="skip" href="#content" onClick={(event) => {
        event.preventDefault()
        document.getElementById('content')?.focus()
      }}>
        To the content
      </a>
      <header>
        <strong>Carillon</strong>
        <nav aria-label="Pages">
          <ul>
            {pages.filter((one) => one.name).map((one) => (
              <li key={one.path}>
                <a href={`#/${one.path}`} aria-current={one === page ? 'page' : undefined}>
                  {one.name}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <span role="status" class={`state ${state}`}>
          {STATE_WORDS[state]}
        </span>
        <span>{name}</span>
        <button type="button" onClick={() => void logOut().finally(onEnd)}>
          Log out
        </button>
      </header>
      <main id="content" tabIndex={-1}>
        {page ? <page.show desktop={desktop} session={session} path={path.slice(1)} /> : <p>You may see nothing here yet. Ask an administrator for a group.</p>}
      </main>
    </>
  )
}

function App() {
  const [session, setSession] = useState<Session | null | undefined>(undefined)
  const [error, setError] = useState('')
  useEffect(() => {
    present().then(setSession, (fault: unknown) => setError(wordsOf(fault)))
  }, [])
  if (error) return <ErrorText text={error} />
  if (session === undefined) return <p role="status">Loading…</p>
  if (session === null) return <LogInPage onLogIn={setSession} />
  if (session.mustChangePassword) return <PasswordPage onDone={() => setSession({ ...session, mustChangePassword: false })} />
  return <Shell key={session.person.userName} session={session} onEnd={() => setSession(null)} />
}

const root = document.getElementById('app')
if (root) render(<App />, root)
