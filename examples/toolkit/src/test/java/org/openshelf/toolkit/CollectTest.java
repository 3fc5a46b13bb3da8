/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package org.openshelf.toolkit;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.openshelf.toolkit.collect.BoundedQueue;
import org.openshelf.toolkit.collect.Lists;
import org.openshelf.toolkit.collect.LruCache;
import org.openshelf.toolkit.collect.Range;
import org.openshelf.toolkit.collect.TopologicalSorter;
import org.openshelf.toolkit.time.Durations;

final class CollectTest {

    /** A clock that only moves when it is told to. */
    private static final class ManualClock extends Clock {

        private Instant now = Instant.parse("2026-01-05T08:00:00Z");

        void advance(Duration duration) {
            now = now.plus(duration);
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }

        @Override
        public Instant instant() {
            return now;
        }
    }

    static void lists() {
        Check.equal(List.of(List.of(1, 2), List.of(3)), Lists.chunk(List.of(1, 2, 3), 2));
        Check.equal(List.of(9, 7), Lists.top(List.of(3, 9, 1, 7), 2, Comparator.<Integer>naturalOrder()));
        Check.equal(List.of("aa", "b"), Lists.distinctBy(List.of("aa", "ab", "b"), s -> s.charAt(0)));
        Check.equal(List.of("a1", "b2"), Lists.zip(List.of("a", "b", "c"), List.of(1, 2), (s, n) -> s + n));
        Check.throwsA(IllegalArgumentException.class, () -> Lists.indexBy(List.of("x", "y"), String::length));
        Check.equal(List.of(2, 4), Lists.partition(List.of(1, 2, 3, 4), n -> n % 2 == 0).matching());
    }

    static void cacheForgetsTheLeastRecentlyUsed() {
        ManualClock clock = new ManualClock();
        LruCache<String, Integer> cache = new LruCache<>(2, Duration.ofMinutes(5), clock);
        cache.put("a", 1);
        cache.put("b", 2);
        Check.equal(Optional.of(1), cache.get("a"));
        cache.put("c", 3);
        Check.equal(Optional.empty(), cache.get("b"));
        Check.equal(1L, cache.stats().evictions());
        clock.advance(Duration.ofMinutes(5));
        Check.equal(Optional.empty(), cache.get("a"));
        Check.equal(42, cache.get("a", key -> 42));
    }

    static void ranges() {
        Range<Integer> range = Range.of(1, 10);
        Check.that(range.contains(1) && !range.contains(10), "half-open");
        Check.equal(List.of(Range.of(1, 3), Range.of(5, 10)), range.minus(Range.of(3, 5)));
        Check.equal(Optional.of(Range.of(8, 10)), range.intersect(Range.of(8, 20)));
        Check.equal(List.of(Range.of(0, 4), Range.of(6, 7)),
                Range.merge(List.of(Range.of(6, 7), Range.of(0, 2), Range.of(2, 4))));
        Check.throwsA(IllegalArgumentException.class, () -> Range.of(2, 1));
    }

    static void sorterFindsLayersAndCycles() {
        TopologicalSorter<String> sorter = new TopologicalSorter<String>()
                .dependsOn("web", "service")
                .dependsOn("service", "domain")
                .dependsOn("jobs", "domain");
        Check.equal(List.of(List.of("domain"), List.of("service", "jobs"), List.of("web")), sorter.layers());
        sorter.dependsOn("domain", "web");
        TopologicalSorter.CycleException error =
                Check.throwsA(TopologicalSorter.CycleException.class, sorter::sort);
        Check.equal(4, error.cycle().size());
    }

    static void queueHandsOverBetweenThreads() throws InterruptedException {
        BoundedQueue<Integer> queue = new BoundedQueue<>(2);
        CompletableFuture<Void> producer = CompletableFuture.runAsync(() -> {
            try {
                for (int i = 0; i < 50; i++) {
                    queue.put(i);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } finally {
                queue.close();
            }
        });
        int expected = 0;
        Optional<Integer> item;
        while ((item = queue.poll(Duration.ofSeconds(5))).isPresent()) {
            Check.equal(expected++, item.get());
        }
        producer.join();
        Check.equal(50, expected);
        Check.that(!queue.offer(1), "closed queue refuses elements");
    }

    static void durations() {
        Check.equal(Duration.ofMinutes(90), Durations.parse("1h 30m"));
        Check.equal("1h 30m", Durations.format(Duration.ofMinutes(90)));
        Check.equal("-250ms", Durations.format(Duration.ofMillis(-250)));
        Check.throwsA(IllegalArgumentException.class, () -> Durations.parse("soon"));
        LocalDate friday = LocalDate.of(2026, 1, 9);
        Set<LocalDate> holidays = Set.of(LocalDate.of(2026, 1, 12));
        Check.equal(LocalDate.of(2026, 1, 14), Durations.plusWorkingDays(friday, 2, holidays));
    }

    static void runAll() throws InterruptedException {
        lists();
        cacheForgetsTheLeastRecentlyUsed();
        ranges();
        sorterFindsLayersAndCycles();
        queueHandsOverBetweenThreads();
        durations();
    }
}
