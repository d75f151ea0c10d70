/* SPDX-License-Identifier: Apache-2.0 */
/* qt_driver - runs charts on Qt's SCXML engine, with a clock of its own; for tests and benches
 * alone. In   a line a chart, {"xml":"...","inputs":[{"name":"a","data":{"n":1}},{"after":50}]} Out
 * a line each, {"steps":[{"configuration":["s1"],"log":["+s1"]}],"final":"s9" or null} or
 *      {"refused":"why"} */
#include <QAbstractEventDispatcher>
#include <QBuffer>
#include <QCoreApplication>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QList>
#include <QScopedPointer>
#include <QTimerEvent>
#include <QVariantMap>
#include <QtScxml/QScxmlStateMachine>
#include <iostream>
#include <string>

namespace
{

/* Posted events at once, timers when `let_pass` comes to them. */
class VirtualTime : public QAbstractEventDispatcher
{
  public:
    void let_pass(int milliseconds)
    {
        const qint64 end = now + milliseconds;
        settle();
        for (int next = first_due(end); next >= 0; next = first_due(end)) {
            const Timer timer = timers.at(next);
            now = timer.due;
            timers[next].due += timer.interval > 0 ? timer.interval : 1;
            QTimerEvent event(timer.id);
            QCoreApplication::sendEvent(timer.object, &event);
            settle();
        }
        now = end;
    }
    void settle()
    {
        do {
            is_woken = false;
            QCoreApplication::sendPostedEvents();
        } while (is_woken);
    }

    bool processEvents(QEventLoop::ProcessEventsFlags) override
    {
        settle();
        return true;
    }
    bool hasPendingEvents() override
    {
        return false;
    }
    void registerTimer(int id, int interval, Qt::TimerType, QObject *object) override
    {
        timers.append(Timer{ id, interval, now + interval, object });
    }
    bool unregisterTimer(int id) override
    {
        for (int i = 0; i < timers.size(); i++)
            if (timers.at(i).id == id) {
                timers.removeAt(i);
                return true;
            }
        return false;
    }
    bool unregisterTimers(QObject *object) override
    {
        for (int i = timers.size(); i-- > 0;)
            if (timers.at(i).object == object) timers.removeAt(i);
        return true;
    }
    QList<TimerInfo> registeredTimers(QObject *) const override
    {
        return {};
    }
    int remainingTime(int) override
    {
        return 0;
    }
    void registerSocketNotifier(QSocketNotifier *) override
    {
    }
    void unregisterSocketNotifier(QSocketNotifier *) override
    {
    }
    void wakeUp() override
    {
        is_woken = true;
    } /* an event was posted */
    void interrupt() override
    {
    }
    void flush() override
    {
    }

  private:
    struct Timer {
        int id, interval;
        qint64 due;
        QObject *object;
    };
    QList<Timer> timers; /* in the order in which they were set */
    qint64 now = 0;
    bool is_woken = false;

    int first_due(qint64 end) const
    {
        int first = -1;
        for (int i = 0; i < timers.size(); i++)
            if (timers.at(i).due <= end && (first < 0 || timers.at(i).due < timers.at(first).due))
                first = i;
        return first;
    }
};

QJsonArray sorted(QStringList names)
{
    names.sort();
    return QJsonArray::fromStringList(names);
}

class Run
{
  public:
    Run(QScxmlStateMachine *of, VirtualTime *time) : machine(of), clock(time)
    {
        QObject::connect(machine, &QScxmlStateMachine::log,
                         [this](const QString &label, const QString &words) {
                             log.append(words.isEmpty() ? label : label + " " + words);
                         });
        QObject::connect(machine, &QScxmlStateMachine::reachedStableState, [this] { note(); });
        QObject::connect(machine, &QScxmlStateMachine::finished, [this] { has_ended = true; });
    }

    QJsonObject result(const QJsonArray &inputs)
    {
        machine->start();
        end_step();
        for (const QJsonValue &one : inputs) {
            if (has_ended) break;
            take(one.toObject());
        }
        const QJsonValue final = has_ended ? QJsonValue(last.join(" ")) : QJsonValue();
        return QJsonObject{ { "steps", steps }, { "final", final } };
    }

  private:
    QScxmlStateMachine *machine;
    VirtualTime *clock;
    QJsonArray steps, log;
    QStringList last;
    bool has_ended = false;

    void note()
    {
        last = machine->activeStateNames(true);
    }

    void take(const QJsonObject &input)
    {
        if (input.contains("after"))
            clock->let_pass(input["after"].toInt());
        else if (input.contains("data"))
            machine->submitEvent(input["name"].toString(), input["data"].toVariant());
        else
            machine->submitEvent(input["name"].toString());
        end_step();
    }

    void end_step()
    {
        clock->let_pass(0);
        if (!has_ended) note();
        steps.append(QJsonObject{ { "configuration", sorted(last) }, { "log", log } });
        log = {};
    }
};

QJsonObject run(const QJsonObject &chart, VirtualTime *clock)
{
    QByteArray xml = chart["xml"].toString().toUtf8();
    QBuffer source(&xml);
    source.open(QIODevice::ReadOnly);
    QScopedPointer<QScxmlStateMachine> machine(
        QScxmlStateMachine::fromData(&source, "chart.scxml"));
    if (!machine->parseErrors().isEmpty())
        return { { "refused", machine->parseErrors().first().toString() } };
    return Run(machine.data(), clock).result(chart["inputs"].toArray());
}

} /* namespace */

int main(int count, char **words)
{
    VirtualTime *clock = new VirtualTime; /* the application's, from here on */
    QCoreApplication::setEventDispatcher(clock);
    QCoreApplication application(count, words);
    for (std::string line; std::getline(std::cin, line);) {
        const QJsonObject told =
            run(QJsonDocument::fromJson(QByteArray::fromStdString(line)).object(), clock);
        std::cout << QJsonDocument(told).toJson(QJsonDocument::Compact).toStdString() << std::endl;
    }
}
