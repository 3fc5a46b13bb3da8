/*
 * Copyright 2026 The fimsmith authors
 * SPDX-License-Identifier: Apache-2.0
 */
package com.example.shop.gateway.backend;

import com.example.shop.gateway.support.Preconditions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;

/** 健康检查：定时探测每个实例，连续失败若干次才摘除，连续成功若干次才恢复。 */
public class HealthChecker implements AutoCloseable {

    /** 探测一个实例，返回 false 或抛出异常都表示失败。 */
    @FunctionalInterface
    public interface Probe {
        boolean check(Endpoint endpoint) throws Exception;
    }

    private static final Logger LOG = Logger.getLogger(HealthChecker.class.getName());

    private final List<Endpoint> endpoints;
    private final Probe probe;
    private final int failuresToRemove;
    private final int successesToRestore;
    /** 正数表示连续成功的次数，负数表示连续失败的次数。 */
    private final Map<Endpoint, Integer> streaks = new ConcurrentHashMap<>();
    private ScheduledExecutorService scheduler;

    public HealthChecker(List<Endpoint> endpoints, Probe probe, int failuresToRemove, int successesToRestore) {
        this.endpoints = List.copyOf(Preconditions.notEmpty(endpoints, "endpoints"));
        this.probe = Preconditions.notNull(probe, "probe");
        this.failuresToRemove = Preconditions.positive(failuresToRemove, "failuresToRemove");
        this.successesToRestore = Preconditions.positive(successesToRestore, "successesToRestore");
    }

    /** 开始定时探测。 */
    public synchronized void start(Duration interval) {
        Preconditions.state(scheduler == null, "健康检查已经启动");
        scheduler = Executors.newSingleThreadScheduledExecutor(task -> {
            Thread thread = new Thread(task, "health-checker");
            thread.setDaemon(true);
            return thread;
        });
        scheduler.scheduleWithFixedDelay(this::checkAll, 0, interval.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** 探测所有实例一遍。 */
    public void checkAll() {
        for (Endpoint endpoint : endpoints) {
            int streak = streaks.merge(endpoint, succeeds(endpoint) ? 1 : -1,
                    (old, step) -> Integer.signum(old) == step ? old + step : step);
            if (streak >= successesToRestore && endpoint.setHealthy(true)) {
                LOG.log(Level.INFO, "实例 {0} 恢复", endpoint);
            } else if (-streak >= failuresToRemove && endpoint.setHealthy(false)) {
                LOG.log(Level.WARNING, "实例 {0} 被摘除", endpoint);
            }
        }
    }

    private boolean succeeds(Endpoint endpoint) {
        try {
            return probe.check(endpoint);
        } catch (Exception e) {
            LOG.log(Level.FINE, "探测 " + endpoint + " 失败", e);
            return false;
        }
    }

    /** 返回健康实例的个数。 */
    public long healthyCount() {
        return endpoints.stream().filter(Endpoint::isHealthy).count();
    }

    @Override
    public synchronized void close() {
        if (scheduler != null) {
            scheduler.shutdownNow();
            scheduler = null;
        }
    }
}
