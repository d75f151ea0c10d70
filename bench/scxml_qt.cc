/* SPDX-License-Identifier: Apache-2.0 */
/* What Qt's SCXML engine does, beside scxml_bench.c.
 *
 *     scxml_qt entries FILE SECONDS   how often it enters the state `mark` of a chart that goes
 *                                     round for ever, after a first time
 *     scxml_qt load FILE TIMES        from a file to a machine that is ready to start
 *
 * Times are CPU time. Prints one JSON object. */
#include <QByteArray>
#include <QCoreApplication>
#include <QtScxml/QScxmlStateMachine>
#include <cstdio>
#include <cstdlib>
#include <ctime>

static double now_s()
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static QScxmlStateMachine *load(const char *path)
{
    QScxmlStateMachine *machine = QScxmlStateMachine::fromFile(path);
    if (machine->parseErrors().isEmpty() && machine->init()) return machine;
    fprintf(stderr, "scxml_qt: %s is refused\n", path);
    exit(1);
}

static void end(const QByteArray &line)
{
    puts(line.constData());
    fflush(stdout);
    _Exit(0);
}

static void entries(const char *path, double seconds)
{
    long count = -1, look_at = 0;
    double began_s = 0;
    QScxmlStateMachine *machine = load(path);
    machine->connectToState("mark", [&](bool is_active) {
        if (!is_active) return;
        count++;
        if (count == 0) began_s = now_s();
        if (count <= look_at) return;
        const double spent_s = now_s() - began_s;
        if (spent_s >= seconds)
            end(QByteArray("{\"entries\":") + QByteArray::number((qlonglong)count) +
                ",\"cpu_s\":" + QByteArray::number(spent_s, 'f', 6) + "}");
        look_at = spent_s * 100 < seconds ? count * 2 : count + count / 50;
    });
    machine->start();
    QCoreApplication::exec();
}

static void load_times(const char *path, int times)
{
    const double began_s = now_s();
    for (int i = 0; i < times; i++) delete load(path);
    end(QByteArray("{\"load_us\":") +
        QByteArray::number((now_s() - began_s) / times * 1e6, 'f', 1) + "}");
}

int main(int count, char **words)
{
    QCoreApplication application(count, words);
    if (count != 4) return 2;
    if (qstrcmp(words[1], "entries") == 0) entries(words[2], atof(words[3]));
    if (qstrcmp(words[1], "load") == 0) load_times(words[2], atoi(words[3]));
    return 2;
}
