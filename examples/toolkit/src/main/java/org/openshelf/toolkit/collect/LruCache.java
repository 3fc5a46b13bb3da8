/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package org.openshelf.toolkit.collect;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.openshelf.toolkit.Args;

/**
 * A thread-safe cache that throws out the entry that was not read for the longest time.
 * Entries may also expire a fixed time after they were written.
 *
 * @param <K> type of the keys
 * @param <V> type of the values
 */
public final class LruCache<K, V> {

    /** Counters since the cache was made. */
    public record Stats(long hits, long misses, long evictions) {

        public double hitRate() {
            long lookups = hits + misses;
            return lookups == 0 ? 0.0 : (double) hits / lookups;
        }
    }

    private record Entry<V>(V value, Instant expiresAt) {

        boolean isExpired(Instant now) {
            return expiresAt != null && !now.isBefore(expiresAt);
        }
    }

    private final ReentrantLock lock = new ReentrantLock();
    private final Map<K, Entry<V>> entries = new LinkedHashMap<>(16, 0.75f, true);
    private final int capacity;
    private final Duration timeToLive;
    private final Clock clock;
    private long hits;
    private long misses;
    private long evictions;

    public LruCache(int capacity) {
        this(capacity, null, Clock.systemUTC());
    }

    public LruCache(int capacity, Duration timeToLive, Clock clock) {
        this.capacity = Args.positive(capacity, "capacity");
        this.timeToLive = timeToLive;
        this.clock = Args.notNull(clock, "clock");
    }

    public Optional<V> get(K key) {
        lock.lock();
        try {
            Entry<V> entry = entries.get(key);
            if (entry != null && entry.isExpired(clock.instant())) {
                entries.remove(key);
                entry = null;
            }
            if (entry == null) {
                misses++;
                return Optional.empty();
            }
            hits++;
            return Optional.of(entry.value());
        } finally {
            lock.unlock();
        }
    }

    /** Reads the value, or loads and stores it. The loader runs while the lock is held. */
    public V get(K key, Function<? super K, ? extends V> loader) {
        lock.lock();
        try {
            Optional<V> cached = get(key);
            if (cached.isPresent()) {
                return cached.get();
            }
            V loaded = loader.apply(key);
            put(key, loaded);
            return loaded;
        } finally {
            lock.unlock();
        }
    }

    public void put(K key, V value) {
        Args.notNull(key, "key");
        Args.notNull(value, "value");
        lock.lock();
        try {
            Instant expiresAt = timeToLive == null ? null : clock.instant().plus(timeToLive);
            entries.put(key, new Entry<>(value, expiresAt));
            if (entries.size() > capacity) {
                evictOne();
            }
        } finally {
            lock.unlock();
        }
    }

    public boolean invalidate(K key) {
        lock.lock();
        try {
            return entries.remove(key) != null;
        } finally {
            lock.unlock();
        }
    }

    public int size() {
        lock.lock();
        try {
            return entries.size();
        } finally {
            lock.unlock();
        }
    }

    public Stats stats() {
        lock.lock();
        try {
            return new Stats(hits, misses, evictions);
        } finally {
            lock.unlock();
        }
    }

    private void evictOne() {
        Iterator<K> oldest = entries.keySet().iterator();
        oldest.next();
        oldest.remove();
        evictions++;
    }
}
