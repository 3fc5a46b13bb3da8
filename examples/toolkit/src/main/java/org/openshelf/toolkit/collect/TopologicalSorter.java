/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package org.openshelf.toolkit.collect;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.openshelf.toolkit.Args;

/** Orders nodes so that each one comes after the nodes that it depends on. */
public final class TopologicalSorter<N> {

    /** Thrown when the nodes depend on each other in a circle. */
    public static final class CycleException extends RuntimeException {

        private static final long serialVersionUID = 1L;

        private final transient List<?> cycle;

        CycleException(List<?> cycle) {
            super("dependency cycle: " + cycle);
            this.cycle = cycle;
        }

        public List<?> cycle() {
            return cycle;
        }
    }

    private final Map<N, Set<N>> dependencies = new LinkedHashMap<>();

    public TopologicalSorter<N> add(N node) {
        dependencies.computeIfAbsent(Args.notNull(node, "node"), n -> new LinkedHashSet<>());
        return this;
    }

    public TopologicalSorter<N> dependsOn(N node, N dependency) {
        add(dependency);
        add(node);
        dependencies.get(node).add(dependency);
        return this;
    }

    /** All nodes, dependencies first; nodes that are free to move keep the order they were added in. */
    public List<N> sort() {
        List<N> sorted = new ArrayList<>(dependencies.size());
        for (List<N> layer : layers()) {
            sorted.addAll(layer);
        }
        return sorted;
    }

    /** Groups of nodes that can be worked on at the same time. */
    public List<List<N>> layers() {
        Map<N, Integer> open = new LinkedHashMap<>();
        Map<N, List<N>> dependents = new LinkedHashMap<>();
        dependencies.forEach((node, needs) -> {
            open.put(node, needs.size());
            for (N need : needs) {
                dependents.computeIfAbsent(need, n -> new ArrayList<>()).add(node);
            }
        });
        List<List<N>> layers = new ArrayList<>();
        List<N> ready = open.keySet().stream().filter(node -> open.get(node) == 0).toList();
        int done = 0;
        while (!ready.isEmpty()) {
            layers.add(ready);
            done += ready.size();
            List<N> next = new ArrayList<>();
            for (N node : ready) {
                for (N dependent : dependents.getOrDefault(node, List.of())) {
                    if (open.merge(dependent, -1, Integer::sum) == 0) {
                        next.add(dependent);
                    }
                }
            }
            ready = next;
        }
        if (done < dependencies.size()) {
            throw new CycleException(findCycle(open));
        }
        return layers;
    }

    private List<N> findCycle(Map<N, Integer> open) {
        N current = open.entrySet().stream()
                .filter(entry -> entry.getValue() > 0)
                .map(Map.Entry::getKey)
                .findFirst()
                .orElseThrow();
        Deque<N> path = new ArrayDeque<>();
        while (!path.contains(current)) {
            path.addLast(current);
            current = dependencies.get(current).stream()
                    .filter(need -> open.get(need) > 0)
                    .findFirst()
                    .orElseThrow();
        }
        while (!path.peekFirst().equals(current)) {
            path.removeFirst();
        }
        path.addLast(current);
        return new ArrayList<>(path);
    }
}
